//! The way that benches compare with: one transaction for each charge, its wallet locked with
//! `SELECT … FOR UPDATE`, on a connection of its own for each client.
//!
//! It does less than the product: no grants, no chain, no prices, no retries; a key, a balance and
//! a row. That it is slower is the point.

use tokio_postgres::{Client, NoTls};

use crate::StoreUrl;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS naive_wallets (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS naive_charges (
    key TEXT PRIMARY KEY, wallet BIGINT NOT NULL, amount BIGINT NOT NULL, balance BIGINT NOT NULL
);";

/// One client of the naive ledger.
pub struct Naive {
    client: Client,
}

impl Naive {
    /// Connects; `None` when the store is not PostgreSQL or cannot be reached.
    pub async fn connect(url: &StoreUrl) -> Option<Naive> {
        let StoreUrl::Postgres(url) = url else { return None };
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(Naive { client })
    }

    /// Makes the tables and `wallets` wallets, numbered from 0.
    pub async fn prepare(&self, wallets: i64) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(SCHEMA).await?;
        let fill = "INSERT INTO naive_wallets SELECT id, 1000000000000000 \
                    FROM generate_series(0, $1::bigint - 1) AS id ON CONFLICT DO NOTHING";
        self.client.execute(fill, &[&wallets]).await.map(drop)
    }

    /// Charges keys as `next` gives them, a transaction for each, until it gives none. Answers how
    /// many there were.
    pub async fn charge(
        &mut self,
        mut next: impl FnMut() -> Option<(String, i64, i64)>,
    ) -> Result<u64, tokio_postgres::Error> {
        let lock =
            self.client.prepare("SELECT balance FROM naive_wallets WHERE id = $1 FOR UPDATE");
        let lock = lock.await?;
        let insert = "INSERT INTO naive_charges VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let insert = self.client.prepare(insert).await?;
        let update = self.client.prepare("UPDATE naive_wallets SET balance = $2 WHERE id = $1");
        let update = update.await?;
        let mut count = 0;
        while let Some((key, wallet, amount)) = next() {
            let transaction = self.client.transaction().await?;
            let row = transaction.query_one(&lock, &[&wallet]).await?;
            let balance = row.get::<_, i64>(0) - amount;
            if transaction.execute(&insert, &[&key, &wallet, &amount, &balance]).await? == 1 {
                transaction.execute(&update, &[&wallet, &balance]).await?;
            }
            transaction.commit().await?;
            count += 1;
        }
        Ok(count)
    }

    /// Bytes of the journal and the wallets of the product, and of what is written behind them,
    /// without what PostgreSQL keeps to itself.
    pub async fn size_bytes(&self) -> Result<(i64, i64), tokio_postgres::Error> {
        self.client.batch_execute("VACUUM").await?;
        let size = |tables: &'static str| {
            let text = format!(
                "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class \
                 WHERE relname IN ({tables})"
            );
            self.one(text)
        };
        let main = size("'journal', 'wallets'").await?;
        let behind = size("'journal_index', 'key_chunks', 'key_filters', 'key_runs'").await?;
        Ok((main, behind))
    }

    async fn one(&self, text: String) -> Result<i64, tokio_postgres::Error> {
        Ok(self.client.query_one(&text, &[]).await?.get(0))
    }
}

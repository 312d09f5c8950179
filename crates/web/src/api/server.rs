//! What the server says about itself, to anyone.

use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::metrics::lanes_text;

fn plain(status: u16, body: String) -> Reply {
    Reply::new(status, body)
}

/// Says that the process runs.
pub async fn livez(_: Call) -> Result<Reply, Fault> {
    Ok(plain(200, "ok\n".to_owned()))
}

/// Says whether requests can be answered: every lane has an owner and the store can be read.
pub async fn readyz(call: Call) -> Result<Reply, Fault> {
    if !call.web.app.is_ready() {
        return Err(Fault::OwnerUnreachable);
    }
    let mut snapshot = call.snapshot().await?;
    store::read::access::ping(&mut snapshot).await?;
    Ok(plain(200, "ready\n".to_owned()))
}

/// Counters in the text that Prometheus reads.
pub async fn metrics(call: Call) -> Result<Reply, Fault> {
    let mut snapshot = call.snapshot().await?;
    let backlog = store::read::backlog::backlog(&mut snapshot).await?;
    Ok(plain(200, call.web.metrics.text() + &lanes_text(&call.web.app, &backlog)))
}

/// The document of this API.
pub async fn openapi(_: Call) -> Result<Reply, Fault> {
    Ok(plain(200, crate::openapi::TEXT.clone()))
}

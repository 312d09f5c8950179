//! Answers that go on: server-sent events, until the reader leaves or the server stops.
//!
//! *Invariant:* a stream looks at the store at most four times a second, however much happens
//! (rulings A5), gives a sign of life every 15 seconds, and ends when the server wants to end.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use http_body_util::channel::Channel;
use tokio::sync::watch;

pub const EVENT_STREAM: &str = "text/event-stream";

pub const LOOKS_PER_SECOND: u64 = 4;
const LOOK_EVERY: Duration = Duration::from_millis(1_000 / LOOKS_PER_SECOND);
/// Looks between two signs of life, so that a reader who left is noticed.
const LOOKS_PER_SIGN: u32 = 60;

/// When the server wants to end.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Becomes true when the server wants to end.
    pub fn when(stopping: watch::Receiver<bool>) -> Stopping {
        Stopping(stopping)
    }

    /// Never.
    pub fn never() -> Stopping {
        Stopping(watch::channel(false).1)
    }

    /// Waits until it is time to look again; false when the server wants to end.
    pub async fn pause(&self) -> bool {
        let mut stopping = self.0.clone();
        let wants_to_end = async {
            if stopping.wait_for(|&stopping| stopping).await.is_err() {
                // Whoever could say so is gone.
                std::future::pending::<()>().await;
            }
        };
        tokio::time::timeout(LOOK_EVERY, wants_to_end).await.is_err()
    }
}

/// What a look found.
pub enum Look {
    Nothing,
    Tell(String),
    /// To be told, and there is more at once.
    TellMore(String),
    /// The reader may not see it any more.
    End,
}

/// What a stream is about.
pub trait Source: Send + 'static {
    fn look(&mut self) -> impl Future<Output = Look> + Send;
}

/// Begins a stream.
pub fn follow(source: impl Source, stopping: Stopping) -> Body {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(4);
    tokio::spawn(async move {
        let mut source = source;
        let mut looks = 0_u32;
        loop {
            let (told, is_all) = match source.look().await {
                Look::Nothing if looks.is_multiple_of(LOOKS_PER_SIGN) => {
                    (": here\n\n".into(), true)
                }
                Look::Nothing => (String::new(), true),
                Look::Tell(text) => (text, true),
                Look::TellMore(text) => (text, false),
                Look::End => return,
            };
            if !told.is_empty() && sender.send_data(Bytes::from(told)).await.is_err() {
                return;
            }
            if is_all {
                looks = looks.wrapping_add(1);
                if !stopping.pause().await {
                    return;
                }
            }
        }
    });
    Body::new(body)
}

/// The answer of a page that is a stream.
pub fn response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let media = HeaderValue::from_static(EVENT_STREAM);
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}

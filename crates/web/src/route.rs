//! What a route is: one row of the table in `routes.rs`, from which both the router and the
//! document are made.
//!
//! *Invariant:* a route without a role is open to anyone, and says so; everything else about who
//! may call it, what it takes and what it answers stands in its row.

use std::future::Future;
use std::pin::Pin;

use axum::http::Method;
use domain::workset::Role;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::error::Fault;
use crate::extract::{Call, Reply};

/// What answers a call.
pub type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Reply, Fault>> + Send>>;

/// Adds the schema of a type to the document and refers to it.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Whether a POST takes an `Idempotency-Key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPolicy {
    None,
    Optional,
    /// It moves money.
    Required,
}

/// Which limit of the configuration holds for the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySize {
    Ordinary,
    /// Batches of usage events.
    Usage,
}

/// One address and what it does.
#[derive(Clone)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    /// `verb_noun`; unique.
    pub operation: &'static str,
    pub summary: &'static str,
    /// The least role that may call it; none when it is open.
    pub role: Option<Role>,
    pub status: u16,
    pub request: Option<SchemaOf>,
    pub response: Option<SchemaOf>,
    /// Whether it answers with a page of rows, which can be had as a table.
    pub is_list: bool,
    pub query: Option<SchemaOf>,
    /// Codes of refusals beside those that every route can answer.
    pub refusals: &'static [&'static str],
    pub key: KeyPolicy,
    pub body: BodySize,
    pub media: &'static [&'static str],
    pub handler: Handler,
}

pub const JSON: &str = "application/json";
pub const CSV: &str = "text/csv; charset=utf-8";
pub const CLOUD_EVENT: &str = "application/cloudevents+json";
pub const CLOUD_EVENTS: &str = "application/cloudevents-batch+json";

impl Route {
    const fn new(method: Method, path: &'static str, handler: Handler) -> Route {
        Route {
            method,
            path,
            operation: "",
            summary: "",
            role: None,
            status: 200,
            request: None,
            response: None,
            is_list: false,
            query: None,
            refusals: &[],
            key: KeyPolicy::None,
            body: BodySize::Ordinary,
            media: &[JSON],
            handler,
        }
    }

    /// Reads something.
    pub const fn get(path: &'static str, handler: Handler) -> Route {
        Route::new(Method::GET, path, handler)
    }

    /// Makes something: answers 201.
    pub const fn create(path: &'static str, handler: Handler) -> Route {
        let mut route = Route::new(Method::POST, path, handler);
        route.status = 201;
        route.key = KeyPolicy::Optional;
        route
    }

    /// Does something to what exists: answers 200.
    pub const fn act(path: &'static str, handler: Handler) -> Route {
        let mut route = Route::new(Method::POST, path, handler);
        route.key = KeyPolicy::Optional;
        route
    }

    pub const fn is(mut self, operation: &'static str, summary: &'static str) -> Route {
        self.operation = operation;
        self.summary = summary;
        self
    }

    pub const fn role(mut self, role: Role) -> Route {
        self.role = Some(role);
        self
    }

    pub const fn takes<T: JsonSchema>(mut self) -> Route {
        self.request = Some(schema_of::<T>);
        self
    }

    pub const fn answers<T: JsonSchema>(mut self) -> Route {
        self.response = Some(schema_of::<T>);
        self
    }

    /// Answers with a page of rows.
    pub const fn lists<T: JsonSchema>(mut self) -> Route {
        self.is_list = true;
        self.answers::<T>()
    }

    pub const fn query<T: JsonSchema>(mut self) -> Route {
        self.query = Some(schema_of::<T>);
        self
    }

    pub const fn refuses(mut self, codes: &'static [&'static str]) -> Route {
        self.refusals = codes;
        self
    }

    pub const fn key(mut self, policy: KeyPolicy) -> Route {
        self.key = policy;
        self
    }

    pub const fn media(mut self, media: &'static [&'static str]) -> Route {
        self.media = media;
        self
    }

    pub const fn large(mut self) -> Route {
        self.body = BodySize::Usage;
        self
    }

    /// The names in braces of the path.
    pub fn path_params(&self) -> Vec<&'static str> {
        let parts = self.path.split('/');
        parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

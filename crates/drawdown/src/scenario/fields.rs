//! Reads a JSON object of texts in the order in which it was written.

use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}

pub fn parse(text: &str) -> Result<Vec<(String, String)>, serde_json::Error> {
    serde_json::Deserializer::from_str(text).deserialize_map(InOrder)
}

//! Sans-IO codecs of payment rails: they build requests and read replies, and touch no socket.

pub mod sandbox;

//! HTTP and sockets as clients meet them.

mod http;
mod socket;

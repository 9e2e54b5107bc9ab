//! The HTTP door of the test forge: GitHub's addresses, shapes, headers and errors over the rules of the memory forge.
//!
//! The same rules behind a second door, so that what holds through the port can be shown to hold through the client and a
//! socket. It refuses to guess: an address that nobody wrote down is answered with 501 and fails the test, and so does a
//! request or an answer that GitHub's published description does not allow. It decides nothing that the rules decide.

mod accounts;
mod actions;
mod client;
mod document;
mod door;
mod exchange;
mod fault;
mod graphql;
mod journal;
mod objects;
mod openapi;
mod routes;
mod settings;
mod shapes;
mod threads;

#[cfg(test)]
mod tests;

pub(crate) use client::{client, client_with, impatient};
pub(crate) use door::{Door, TOKEN, Token};
pub(crate) use exchange::http_date;
pub(crate) use fault::{Fault, Kind};
pub(crate) use journal::{Auth, Entry};
pub(crate) use settings::{Setup, rule};

//! Several clients of one forge that make their calls in a given order, so that races are data. Layer 3.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;

use super::around::{Around, Call};
use crate::forge::{Forge, ForgeResult};

/// Whose turn it is, shared by the clients of one [`Turns`].
struct Table {
    /// Which client makes the next call; past the end everybody may.
    order: Vec<usize>,
    at: usize,
    gone: BTreeSet<usize>,
}

impl Table {
    fn may(&mut self, client: usize) -> bool {
        while self.order.get(self.at).is_some_and(|next| self.gone.contains(next)) {
            self.at += 1;
        }
        self.order.get(self.at).is_none_or(|next| *next == client)
    }
}

/// Several clients of one forge that make their calls in a given order, so that races are data.
#[derive(Clone)]
pub struct Turns {
    forge: Arc<dyn Forge>,
    table: Arc<tokio::sync::watch::Sender<Table>>,
}

impl Turns {
    /// Shares a forge; `order` names the client of each call, from 0.
    pub fn new(forge: Arc<dyn Forge>, order: Vec<usize>) -> Self {
        let (table, _) = tokio::sync::watch::channel(Table { order, at: 0, gone: BTreeSet::new() });
        Self { forge, table: Arc::new(table) }
    }

    /// Returns one client; it gives up its turns when it is dropped.
    pub fn client(&self, number: usize) -> TurnClient {
        TurnClient { turns: self.clone(), number }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

/// One client of a [`Turns`].
#[derive(Debug)]
pub struct TurnClient {
    turns: Turns,
    number: usize,
}

impl Drop for TurnClient {
    fn drop(&mut self) {
        self.turns.table.send_modify(|table| {
            table.gone.insert(self.number);
        });
    }
}

#[async_trait]
impl Around for TurnClient {
    fn inner(&self) -> &dyn Forge {
        self.turns.forge.as_ref()
    }

    async fn around<T: Send>(
        &self,
        _: Call,
        work: impl Future<Output = ForgeResult<T>> + Send,
        _: Option<T>,
    ) -> ForgeResult<T> {
        let mut watch = self.turns.table.subscribe();
        loop {
            let mut mine = false;
            self.turns.table.send_if_modified(|table| {
                mine = table.may(self.number);
                false
            });
            if mine {
                break;
            }
            // The sender lives as long as this client, so the channel cannot close.
            if watch.changed().await.is_err() {
                break;
            }
        }
        let answer = work.await;
        self.turns.table.send_modify(|table| table.at += 1);
        answer
    }
}

forge_around!(TurnClient);

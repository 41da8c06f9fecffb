//! Reads a tree with several threads, ahead of a consumer that receives the nodes in order.
//!
//! Shares and fast disks are limited by latency, so several requests run at the same time. On a
//! spinning disk, one reader stays ahead of the consumer.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Maximum number of nodes read ahead.
const AHEAD: usize = 64;

/// Node of the tree and its state.
struct Slot<Node, Read>(Mutex<NodeState<Node, Read>>);

enum NodeState<Node, Read> {
    Waiting(Node),
    Claimed,
    /// Result and children, in order.
    Read(Read, Vec<Arc<Slot<Node, Read>>>),
    Taken,
}

/// Result of a node and its children.
type NodeResult<Node, Read> = (Read, Vec<Arc<Slot<Node, Read>>>);

struct SharedQueue<Node, Read> {
    ahead: Mutex<Ahead<Node, Read>>,
    changed: Condvar,
}

struct Ahead<Node, Read> {
    /// Nodes to read, the next one last.
    waiting: Vec<Arc<Slot<Node, Read>>>,
    /// Number of nodes read but not consumed.
    unconsumed: usize,
    is_stopped: bool,
}

/// Reads a tree from its root. `read` returns the result of a node and its children. `consume`
/// receives each result before those of the node's children, until it returns false.
///
/// `readers` threads read ahead; the order is the same as with one reader.
pub(super) fn read_in_order<Node: Send, Read: Send>(
    first: Node,
    readers: usize,
    read: &(dyn Fn(Node) -> (Read, Vec<Node>) + Sync),
    consume: &mut dyn FnMut(Read) -> bool,
) {
    let first = Slot::new(first);
    let shared = SharedQueue {
        ahead: Mutex::new(Ahead {
            waiting: vec![Arc::clone(&first)],
            unconsumed: 0,
            is_stopped: false,
        }),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 0..readers.max(1) {
            scope.spawn(|| shared.read_ahead(read));
        }
        // Stops the readers, however this function returns.
        let _end = StopOnDrop(&shared);
        let mut path = vec![first];
        while let Some(slot) = path.pop() {
            let Some((node, children)) = shared.node(&slot, read) else {
                break;
            };
            if !consume(node) {
                break;
            }
            path.extend(children.into_iter().rev());
        }
    });
}

impl<Node, Read> Slot<Node, Read> {
    fn new(node: Node) -> Arc<Self> {
        Arc::new(Self(Mutex::new(NodeState::Waiting(node))))
    }

    fn state(&self) -> MutexGuard<'_, NodeState<Node, Read>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims the node; `None` if another reader has claimed it.
    fn claim(&self) -> Option<Node> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, NodeState::Claimed) {
            NodeState::Waiting(node) => Some(node),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Takes the result, if it is ready.
    fn take(&self) -> Option<NodeResult<Node, Read>> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, NodeState::Taken) {
            NodeState::Read(found, children) => Some((found, children)),
            other => {
                *state = other;
                None
            }
        }
    }
}

impl<Node: Send, Read: Send> SharedQueue<Node, Read> {
    fn ahead(&self) -> MutexGuard<'_, Ahead<Node, Read>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a reader until the tree is consumed.
    fn read_ahead(&self, read: &(dyn Fn(Node) -> (Read, Vec<Node>) + Sync)) {
        // Releases the consumer if this reader panics.
        let _end = StopOnDrop(self);
        loop {
            let slot = {
                let must_wait = |ahead: &mut Ahead<Node, Read>| {
                    !ahead.is_stopped && (ahead.waiting.is_empty() || ahead.unconsumed >= AHEAD)
                };
                let mut ahead = self
                    .changed
                    .wait_while(self.ahead(), must_wait)
                    .unwrap_or_else(PoisonError::into_inner);
                if ahead.is_stopped {
                    return;
                }
                ahead.waiting.pop()
            };
            if let Some(slot) = slot {
                self.read(&slot, read);
            }
        }
    }

    fn read(&self, slot: &Slot<Node, Read>, read: &(dyn Fn(Node) -> (Read, Vec<Node>) + Sync)) {
        let Some(node) = slot.claim() else { return };
        let (found, children) = read(node);
        let children: Vec<_> = children.into_iter().map(Slot::new).collect();
        let mut ahead = self.ahead();
        ahead.waiting.extend(children.iter().rev().cloned());
        ahead.unconsumed += 1;
        *slot.state() = NodeState::Read(found, children);
        self.changed.notify_all();
    }

    /// Returns a node's result and children; reads it in this thread if no reader has claimed it.
    /// `None` if a reader panicked.
    fn node(
        &self,
        slot: &Slot<Node, Read>,
        read: &(dyn Fn(Node) -> (Read, Vec<Node>) + Sync),
    ) -> Option<NodeResult<Node, Read>> {
        self.read(slot, read);
        let mut ahead = self.ahead();
        loop {
            if let Some(found) = slot.take() {
                ahead.unconsumed -= 1;
                self.changed.notify_all();
                return Some(found);
            }
            if ahead.is_stopped {
                return None;
            }
            ahead = self
                .changed
                .wait(ahead)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Stops the readers on drop.
struct StopOnDrop<'a, Node: Send, Read: Send>(&'a SharedQueue<Node, Read>);

impl<Node: Send, Read: Send> Drop for StopOnDrop<'_, Node, Read> {
    fn drop(&mut self) {
        self.0.ahead().is_stopped = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Name and depth of a node.
    type Node = (String, usize);

    fn read((name, depth): Node) -> (String, Vec<Node>) {
        let children = |number| (format!("{name}{number}"), depth - 1);
        let children = (0..if depth > 0 { 5 } else { 0 }).map(children).collect();
        (name, children)
    }

    fn names(readers: usize, depth: usize, limit: usize) -> Vec<String> {
        let mut names = Vec::new();
        read_in_order(("r".to_owned(), depth), readers, &read, &mut |name| {
            names.push(name);
            names.len() < limit
        });
        names
    }

    #[test]
    fn the_order_is_the_same_with_any_number_of_readers() {
        let all = names(1, 4, usize::MAX);
        assert_eq!(all.len(), 1 + 5 + 25 + 125 + 625);
        assert_eq!(all[..4], ["r", "r0", "r00", "r000"]);
        assert!(all.is_sorted());
        for readers in [2, 3, 8] {
            assert_eq!(names(readers, 4, usize::MAX), all);
        }
        assert_eq!(names(0, 0, usize::MAX), ["r"]);
    }

    #[test]
    fn a_panicking_reader_does_not_block_the_consumer() {
        let panicking = |node: Node| {
            assert_ne!(node.0, "r3", "for the test");
            read(node)
        };
        let walked = || read_in_order(("r".to_owned(), 2), 2, &panicking, &mut |_| true);
        assert!(std::panic::catch_unwind(walked).is_err());
    }

    #[test]
    fn the_consumer_can_stop_and_reading_ahead_is_bounded() {
        assert_eq!(names(3, 9, 7).len(), 7);
        let count = AtomicUsize::new(0);
        let counted = |node| {
            count.fetch_add(1, Ordering::Relaxed);
            read(node)
        };
        read_in_order(("r".to_owned(), 6), 4, &counted, &mut |_| {
            std::thread::sleep(Duration::from_millis(30));
            false
        });
        // Each reader may have started one more node.
        assert!(count.into_inner() <= AHEAD + 1 + 4);
    }
}

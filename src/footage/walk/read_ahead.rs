//! A tree read ahead by several threads and told in order.
//!
//! On a share or a fast disk, what is waited for is each answer, so several questions are
//! asked at once; on a spinning disk one reader stays ahead of whoever takes what it read.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Nodes that may be read and not yet taken.
const AHEAD: usize = 64;

/// A node of the tree, and how far it is.
struct Slot<Node, Read>(Mutex<State<Node, Read>>);

enum State<Node, Read> {
    Waiting(Node),
    Begun,
    /// What it is, and what is below it, in order.
    Read(Read, Vec<Arc<Slot<Node, Read>>>),
    Taken,
}

/// What a node is, and what is below it.
type Known<Node, Read> = (Read, Vec<Arc<Slot<Node, Read>>>);

struct Shared<Node, Read> {
    ahead: Mutex<Ahead<Node, Read>>,
    changed: Condvar,
}

struct Ahead<Node, Read> {
    /// Nodes to read, the next one last.
    waiting: Vec<Arc<Slot<Node, Read>>>,
    /// Nodes that were read and not yet taken.
    untaken: usize,
    is_ended: bool,
}

/// Reads a tree from its first node on: `read` gives what a node is and the nodes below it.
/// `take` is told of each, a node before those below it, until it answers `false`.
///
/// So many `readers` read ahead. The order is that of one reader.
pub(super) fn in_order<Node: Send, Read: Send>(
    first: Node,
    readers: usize,
    read: &(dyn Fn(Node) -> (Read, Vec<Node>) + Sync),
    take: &mut dyn FnMut(Read) -> bool,
) {
    let first = Slot::new(first);
    let shared = Shared {
        ahead: Mutex::new(Ahead {
            waiting: vec![Arc::clone(&first)],
            untaken: 0,
            is_ended: false,
        }),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 0..readers.max(1) {
            scope.spawn(|| shared.read_ahead(read));
        }
        // However this ends, the readers do too.
        let _end = End(&shared);
        let mut path = vec![first];
        while let Some(slot) = path.pop() {
            let Some((node, below)) = shared.taken(&slot, read) else {
                break;
            };
            if !take(node) {
                break;
            }
            path.extend(below.into_iter().rev());
        }
    });
}

impl<Node, Read> Slot<Node, Read> {
    fn new(node: Node) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Waiting(node))))
    }

    fn state(&self) -> MutexGuard<'_, State<Node, Read>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves it to one reader; `None` when another has it.
    fn begin(&self) -> Option<Node> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Begun) {
            State::Waiting(node) => Some(node),
            other => {
                *state = other;
                None
            }
        }
    }

    /// What was read of it.
    fn take(&self) -> Option<Known<Node, Read>> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Read(found, below) => Some((found, below)),
            other => {
                *state = other;
                None
            }
        }
    }
}

impl<Node: Send, Read: Send> Shared<Node, Read> {
    fn ahead(&self) -> MutexGuard<'_, Ahead<Node, Read>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a reader does until everything was taken.
    fn read_ahead(&self, read: &(dyn Fn(Node) -> (Read, Vec<Node>) + Sync)) {
        // One that panics must not be waited for.
        let _end = End(self);
        loop {
            let slot = {
                let must_wait = |ahead: &mut Ahead<Node, Read>| {
                    !ahead.is_ended && (ahead.waiting.is_empty() || ahead.untaken >= AHEAD)
                };
                let mut ahead = self
                    .changed
                    .wait_while(self.ahead(), must_wait)
                    .unwrap_or_else(PoisonError::into_inner);
                if ahead.is_ended {
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
        let Some(node) = slot.begin() else { return };
        let (found, below) = read(node);
        let below: Vec<_> = below.into_iter().map(Slot::new).collect();
        let mut ahead = self.ahead();
        ahead.waiting.extend(below.iter().rev().cloned());
        ahead.untaken += 1;
        *slot.state() = State::Read(found, below);
        self.changed.notify_all();
    }

    /// What a node is, and what is below it; read here and now where no reader got to it.
    /// `None` when a reader panicked.
    fn taken(
        &self,
        slot: &Slot<Node, Read>,
        read: &(dyn Fn(Node) -> (Read, Vec<Node>) + Sync),
    ) -> Option<Known<Node, Read>> {
        self.read(slot, read);
        let mut ahead = self.ahead();
        loop {
            if let Some(found) = slot.take() {
                ahead.untaken -= 1;
                self.changed.notify_all();
                return Some(found);
            }
            if ahead.is_ended {
                return None;
            }
            ahead = self
                .changed
                .wait(ahead)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Ends the readers when it is dropped.
struct End<'a, Node: Send, Read: Send>(&'a Shared<Node, Read>);

impl<Node: Send, Read: Send> Drop for End<'_, Node, Read> {
    fn drop(&mut self) {
        self.0.ahead().is_ended = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// A node's name, with so many below it.
    type Node = (String, usize);

    fn read((name, depth): Node) -> (String, Vec<Node>) {
        let below = |number| (format!("{name}{number}"), depth - 1);
        let below = (0..if depth > 0 { 5 } else { 0 }).map(below).collect();
        (name, below)
    }

    fn names(readers: usize, depth: usize, most: usize) -> Vec<String> {
        let mut names = Vec::new();
        in_order(("r".to_owned(), depth), readers, &read, &mut |name| {
            names.push(name);
            names.len() < most
        });
        names
    }

    #[test]
    fn the_order_is_that_of_one_reader() {
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
    fn a_reader_that_panics_is_not_waited_for() {
        let panicking = |node: Node| {
            assert_ne!(node.0, "r3", "for the test");
            read(node)
        };
        let walked = || in_order(("r".to_owned(), 2), 2, &panicking, &mut |_| true);
        assert!(std::panic::catch_unwind(walked).is_err());
    }

    #[test]
    fn it_ends_when_it_is_told_to_and_reads_no_further_ahead_than_it_may() {
        assert_eq!(names(3, 9, 7).len(), 7);
        let count = AtomicUsize::new(0);
        let counted = |node| {
            count.fetch_add(1, Ordering::Relaxed);
            read(node)
        };
        in_order(("r".to_owned(), 6), 4, &counted, &mut |_| {
            std::thread::sleep(Duration::from_millis(30));
            false
        });
        // Each reader may have begun one more.
        assert!(count.into_inner() <= AHEAD + 1 + 4);
    }
}

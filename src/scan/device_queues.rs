//! Work in lanes, one a device: each has its own queue and its own number of workers, so
//! that a slow disk never holds up a fast one, and a spinning one is never torn about.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Work for several devices.
pub(super) struct Lanes<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    lanes: Vec<Lane<T>>,
    /// Where to look first, so that each has its turn.
    next: usize,
}

/// Work for one device.
pub(super) struct Lane<T> {
    pub waiting: VecDeque<T>,
    /// How many may work at a time.
    pub most: usize,
    running: usize,
}

impl<T> Lane<T> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            most: most.max(1),
            running: 0,
        }
    }
}

impl<T> Lanes<T> {
    pub(super) fn new(lanes: impl IntoIterator<Item = Lane<T>>) -> Self {
        Self {
            state: Mutex::new(State {
                lanes: lanes.into_iter().collect(),
                next: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// How many workers can be busy at once.
    pub(super) fn width(&self) -> usize {
        let state = self.state();
        let busy = |lane: &Lane<T>| lane.most.min(lane.waiting.len());
        state.lanes.iter().map(busy).sum::<usize>().max(1)
    }

    /// Does all that waits, until there is no more; called by each worker.
    pub(super) fn work(&self, mut task: impl FnMut(T)) {
        while let Some((lane, item)) = self.take() {
            task(item);
            self.state().lanes[lane].running -= 1;
            self.changed.notify_all();
        }
    }

    /// The next piece of work of a lane that is not full; waits while all are.
    fn take(&self) -> Option<(usize, T)> {
        let mut state = self.state();
        loop {
            if state.lanes.iter().all(|lane| lane.waiting.is_empty()) {
                return None;
            }
            let (first, count) = (state.next, state.lanes.len());
            for lane in (first..first + count).map(|at| at % count) {
                let this = &mut state.lanes[lane];
                if this.running < this.most
                    && let Some(item) = this.waiting.pop_front()
                {
                    this.running += 1;
                    state.next = lane + 1;
                    return Some((lane, item));
                }
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn all_is_done_and_no_lane_has_more_workers_than_it_may() {
        let lane = |most, items: std::ops::Range<usize>| Lane {
            waiting: items.collect(),
            ..Lane::new(most)
        };
        let lanes = Lanes::new([lane(1, 0..40), lane(3, 100..140)]);
        assert_eq!(lanes.width(), 4);
        let running = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let most = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let done = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    lanes.work(|item| {
                        let lane = item / 100;
                        let now = running[lane].fetch_add(1, Ordering::SeqCst) + 1;
                        most[lane].fetch_max(now, Ordering::SeqCst);
                        thread::yield_now();
                        running[lane].fetch_sub(1, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                    });
                });
            }
        });
        assert_eq!(done.into_inner(), 80);
        assert_eq!(most[0].load(Ordering::SeqCst), 1);
        assert!(most[1].load(Ordering::SeqCst) <= 3);
    }
}

//! One work queue per device, each with its own limit of workers. A slow disk never delays a fast
//! one, and a spinning disk never has to seek between readers.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Queues of several devices, shared by all workers.
pub(super) struct DeviceQueues<T> {
    state: Mutex<QueueState<T>>,
    changed: Condvar,
}

struct QueueState<T> {
    queues: Vec<DeviceQueue<T>>,
    /// Index of the queue to check first, so that the devices take turns.
    next: usize,
}

/// Tasks of one device.
pub(super) struct DeviceQueue<T> {
    pub waiting: VecDeque<T>,
    /// Number of workers that may run at the same time; at least 1.
    pub max_workers: usize,
    running: usize,
}

impl<T> DeviceQueue<T> {
    pub(super) fn new(max_workers: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            max_workers: max_workers.max(1),
            running: 0,
        }
    }
}

impl<T> DeviceQueues<T> {
    pub(super) fn new(queues: impl IntoIterator<Item = DeviceQueue<T>>) -> Self {
        Self {
            state: Mutex::new(QueueState {
                queues: queues.into_iter().collect(),
                next: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Returns the number of workers that can be busy at the same time; at least 1.
    pub(super) fn max_workers(&self) -> usize {
        let state = self.state();
        let busy = |queue: &DeviceQueue<T>| queue.max_workers.min(queue.waiting.len());
        state.queues.iter().map(busy).sum::<usize>().max(1)
    }

    /// Runs waiting tasks until all queues are empty. Called by every worker.
    pub(super) fn run_worker(&self, mut task: impl FnMut(T)) {
        while let Some((queue, item)) = self.next_task() {
            task(item);
            self.state().queues[queue].running -= 1;
            self.changed.notify_all();
        }
    }

    /// Returns the next task and the index of its queue. Waits while all queues with tasks are at
    /// their limit. Returns `None` if no task is left.
    fn next_task(&self) -> Option<(usize, T)> {
        let mut state = self.state();
        loop {
            if state.queues.iter().all(|queue| queue.waiting.is_empty()) {
                return None;
            }
            let (first, count) = (state.next, state.queues.len());
            for index in (first..first + count).map(|index| index % count) {
                let queue = &mut state.queues[index];
                if queue.running < queue.max_workers
                    && let Some(item) = queue.waiting.pop_front()
                {
                    queue.running += 1;
                    state.next = index + 1;
                    return Some((index, item));
                }
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, QueueState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn every_task_runs_and_no_queue_exceeds_its_limit_of_workers() {
        let queue = |max_workers, items: std::ops::Range<usize>| DeviceQueue {
            waiting: items.collect(),
            ..DeviceQueue::new(max_workers)
        };
        let queues = DeviceQueues::new([queue(1, 0..40), queue(3, 100..140)]);
        assert_eq!(queues.max_workers(), 4);
        let running = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let highest = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let done = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    queues.run_worker(|item| {
                        let queue = item / 100;
                        let now = running[queue].fetch_add(1, Ordering::SeqCst) + 1;
                        highest[queue].fetch_max(now, Ordering::SeqCst);
                        thread::yield_now();
                        running[queue].fetch_sub(1, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                    });
                });
            }
        });
        assert_eq!(done.into_inner(), 80);
        assert_eq!(highest[0].load(Ordering::SeqCst), 1);
        assert!(highest[1].load(Ordering::SeqCst) <= 3);
    }
}

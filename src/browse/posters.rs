//! The posters on the screen: read by another thread, the wanted ones first, and kept while
//! there is room. The screen never waits for one.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use ratatui::layout::Size;

use crate::catalogue::Folder;
use crate::clip::Clip;
use crate::output::{Screen, TerminalPicture};
use crate::value::Fingerprint;

/// The name of the thread that reads them.
pub(super) const THREAD: &str = "posters";
/// Pictures that are kept beside those on the screen.
const KEPT: usize = 256;

/// A clip's poster in a certain size.
type Key = (Fingerprint, u16, u16);

/// What is to be read next, and the sign that there is something.
type Queue = Arc<(Mutex<Vec<Key>>, Condvar)>;

/// Posters that were read; `None` where there is none.
#[derive(Default)]
pub(super) struct Posters {
    made: HashMap<Key, Option<TerminalPicture>>,
    reader: Option<Reader>,
    waits_for: usize,
}

struct Reader {
    queue: Queue,
    read: Receiver<(Key, Option<TerminalPicture>)>,
}

impl Posters {
    /// Posters of a catalogue, for a screen.
    pub(super) fn new(folder: Folder, screen: Screen) -> Self {
        if screen.graphics.is_none() {
            return Self::default();
        }
        let queue = Queue::default();
        let (send, read) = channel();
        let work = Arc::clone(&queue);
        let started = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || read_all(&work, &folder, screen, &send));
        Self {
            // Without the thread, there are no posters; all else works.
            reader: started.ok().map(|_| Reader { queue, read }),
            ..Self::default()
        }
    }

    /// Asks for those that are to be seen now, and for no others.
    pub(super) fn want(&mut self, wanted: &[(Fingerprint, Size)]) {
        let keys: Vec<Key> = wanted.iter().map(|&(id, size)| key(id, size)).collect();
        if self.made.len() > KEPT {
            self.made.retain(|key, _| keys.contains(key));
        }
        let Some(reader) = &self.reader else { return };
        // The first is read first, and it is the last of the queue.
        let missing = keys.into_iter().filter(|key| !self.made.contains_key(key));
        let queue: Vec<Key> = missing.rev().collect();
        self.waits_for = queue.len();
        let (jobs, sign) = &*reader.queue;
        *jobs.lock().unwrap_or_else(PoisonError::into_inner) = queue;
        sign.notify_one();
    }

    /// Takes those that were read since; whether there were any.
    pub(super) fn take(&mut self) -> bool {
        let read = self.reader.iter().flat_map(|reader| reader.read.try_iter());
        let before = self.made.len();
        self.made.extend(read);
        self.made.len() > before
    }

    /// Whether some are being read.
    pub(super) fn is_waiting(&self) -> bool {
        self.waits_for > 0
    }

    /// The poster of a clip in that size, if it was read.
    pub(super) fn of(&self, clip: &Clip, size: Size) -> Option<&TerminalPicture> {
        let id = clip.id.as_ref()?.value;
        self.made.get(&key(id, size))?.as_ref()
    }

    /// Whether it is not known yet if a clip has one.
    pub(super) fn is_awaited(&self, clip: &Clip, size: Size) -> bool {
        let id = clip.id.as_ref().filter(|_| self.reader.is_some());
        id.is_some_and(|id| !self.made.contains_key(&key(id.value, size)))
    }

    /// Forgets those that were not there: they may be now.
    pub(super) fn look_again(&mut self) {
        self.made.retain(|_, picture| picture.is_some());
    }
}

fn key(id: Fingerprint, size: Size) -> Key {
    (id, size.width, size.height)
}

fn read_all(
    queue: &Queue,
    folder: &Folder,
    screen: Screen,
    read: &Sender<(Key, Option<TerminalPicture>)>,
) {
    let (jobs, sign) = &**queue;
    loop {
        let mut waiting = jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let key = loop {
            match waiting.pop() {
                Some(key) => break key,
                None => {
                    waiting = sign.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        drop(waiting);
        let (id, width, height) = key;
        let room = Size::new(width, height);
        // A picture that a decoder stumbles over is one that is not there.
        let picture = catch_unwind(AssertUnwindSafe(|| {
            TerminalPicture::read(&folder.find(id)?, room, screen)
        }));
        if read.send((key, picture.unwrap_or_default())).is_err() {
            return;
        }
    }
}

//! Tests of merges during which commits delete documents of the merged segments.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{DirectoryLock, FileHandle, Lock, WatchCallback, WatchHandle, WritePtr};

use super::super::updater::IndexUpdater;
use super::test_catalogue::write;
use super::*;

/// Directory in which a merge pauses at its start until the next commit.
#[derive(Clone)]
struct MergeGate {
    folder: IndexFolder,
    /// Callback at the start of a merge; receives the number of merges started before it.
    on_merge: Arc<dyn Fn(usize) + Send + Sync>,
    /// Number of merges that pause; later merges do not.
    pausing: usize,
    state: Arc<(Mutex<GateState>, Condvar)>,
}

#[derive(Default)]
struct GateState {
    /// Segments written by merges.
    merges: HashSet<PathBuf>,
    commits: usize,
}

impl fmt::Debug for MergeGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeGate").finish_non_exhaustive()
    }
}

impl MergeGate {
    /// Pauses a merge at the first file of its segment.
    fn pause_merge(&self, path: &Path) {
        let mut locked = self.state.0.lock().unwrap();
        let before = locked.merges.len();
        if locked.merges.insert(path.with_extension("")) {
            let commits = locked.commits;
            drop(locked);
            self.pause_new_merge(before, commits);
        }
    }

    /// Pauses a merge until the next commit, unless enough merges paused before it.
    fn pause_new_merge(&self, before: usize, commits: usize) {
        let (state, committed) = &*self.state;
        (self.on_merge)(before);
        if before < self.pausing {
            let is_waiting = |state: &mut GateState| state.commits == commits;
            drop(
                committed
                    .wait_while(state.lock().unwrap(), is_waiting)
                    .unwrap(),
            );
        }
    }

    fn merges(&self) -> usize {
        self.state.0.lock().unwrap().merges.len()
    }
}

impl Directory for MergeGate {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.folder.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.folder.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.folder.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let is_merge = thread::current()
            .name()
            .is_some_and(|name| name.starts_with("merge_thread"));
        if is_merge {
            self.pause_merge(path);
        }
        self.folder.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.folder.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.folder.atomic_write(path, data)?;
        if path == Path::new(META_FILE) {
            let (state, committed) = &*self.state;
            state.lock().unwrap().commits += 1;
            committed.notify_all();
        }
        Ok(())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.folder.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.folder.watch(callback)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.folder.sync_directory()
    }
}

/// Creates an index with one large segment, and a segment of one clip for each of the first
/// `pieces` clips.
fn with_small_segments(pieces: usize) -> TestCatalogue {
    let test = TestCatalogue::with(50);
    test.catch_up();
    for number in 0..pieces {
        test.edit(number, "circled");
        Index::current(&test.catalogue, "test", &mut |_| ()).unwrap();
    }
    assert_eq!(test.open().segments().len(), pieces + 1);
    test
}

/// Merges an index. At the start of each merge, changes some clips. The first `pausing` merges wait
/// until that change is committed. Returns the number of merges started.
fn merge(
    test: &TestCatalogue,
    pausing: usize,
    changed: impl Fn(usize) -> Vec<usize> + Send + Sync + 'static,
) -> usize {
    let (folder, dir) = (test.folder.path().to_owned(), test.dir);
    let on_merge = move |merge| {
        let catalogue = Catalogue::open(&folder).unwrap();
        catalogue.begin().unwrap();
        for clip in changed(merge) {
            write(&catalogue, dir, clip, &format!("changed in merge {merge}"));
        }
        catalogue.commit().unwrap();
    };
    let gate = MergeGate {
        folder: IndexFolder::open(&test.index()).unwrap(),
        on_merge: Arc::new(on_merge),
        pausing,
        state: Arc::default(),
    };
    let seq = test.open().seq();
    let inner = tantivy::Index::open(gate.clone()).unwrap();
    let (_, columns) = document::schema();
    let mut updater = IndexUpdater::new(&inner, &columns, &test.catalogue, seq).unwrap();
    updater.merge(MergeEffort::FULL).unwrap();
    drop(updater);
    test.open();
    test.catch_up();
    test.assert_equal(50);
    gate.merges()
}

#[test]
fn a_merge_is_selected_again_if_a_commit_empties_one_of_its_segments() {
    let test = with_small_segments(6);
    // The segment of clip 3 holds nothing else.
    let merges = merge(&test, 1, |merge| if merge == 0 { vec![3] } else { vec![] });
    assert_eq!(merges, 2);
    assert!(test.open().segments().len() <= 3);
}

#[test]
fn a_merge_leaves_nothing_behind_if_a_commit_empties_all_its_segments() {
    let test = with_small_segments(6);
    let all = |merge| {
        if merge == 0 {
            (0..50).collect()
        } else {
            vec![]
        }
    };
    merge(&test, 1, all);
    assert!(test.open().segments().len() <= 4);
}

#[test]
fn merging_ends_although_every_merge_is_invalidated() {
    let test = with_small_segments(12);
    let merges = merge(&test, 3, |merge| vec![merge]);
    // Commits invalidate three merges; the fourth runs without commits.
    assert_eq!(merges, 4);
    assert!(test.open().segments().len() <= MergeEffort::SMALL.segments);
}

#[test]
fn a_commit_that_empties_no_segment_does_not_affect_a_merge() {
    let test = with_small_segments(6);
    let merges = merge(&test, 1, |merge| if merge == 0 { vec![30] } else { vec![] });
    assert_eq!(merges, 1);
}

#[test]
fn merging_ends_although_every_commit_makes_another_merge_due() {
    let test = TestCatalogue::with(50);
    test.catch_up();
    test.add(0..40);
    Index::current(&test.catalogue, "test", &mut |_| ()).unwrap();
    // Changes two of three clips each time, selected by a different digit, so that most of the last
    // segment is deleted.
    let digit = |clip: &usize, merge: usize| clip / [1, 3, 9][merge % 3] % 3;
    let changed = move |merge| (0..50).filter(|clip| digit(clip, merge) != 0).collect();
    let merges = merge(&test, 4, changed);
    assert!((4..=8).contains(&merges), "{merges} merges");
}

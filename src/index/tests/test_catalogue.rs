//! Catalogue for the tests of the index, and searches in it.

use super::super::*;
use super::*;

const CAMERAS: [&str; 4] = ["FX3", "Venice 2", "Alexa Mini", "GH5"];
const WORDS: [&str; 8] = [
    "drummer",
    "laughing",
    "crane",
    "rehearsal",
    "interview",
    "makeup",
    "steadicam",
    "wrap",
];
/// Catalogue with generated clips, for which no footage exists.
pub(super) struct TestCatalogue {
    pub(super) folder: tempfile::TempDir,
    pub(super) catalogue: Catalogue,
    pub(super) dir: i64,
}

impl TestCatalogue {
    pub(super) fn new() -> Self {
        // Stored in memory where possible, because these tests flush thousands of files to disk.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.unwrap();
        let catalogue = Catalogue::create(folder.path()).unwrap();
        let (volume, inside) = Volumes::mounted().locate(Path::new("/"));
        let volume = catalogue.record_volume(&volume).unwrap().id;
        let dir = catalogue
            .add_folder(volume, &inside.join("BTS/Day_2"))
            .unwrap();
        Self {
            folder,
            catalogue,
            dir,
        }
    }

    pub(super) fn with(clips: usize) -> Self {
        let test = Self::new();
        test.add(0..clips);
        test
    }

    /// Writes the clips with these numbers; an existing clip gets a changed file.
    pub(super) fn add(&self, numbers: std::ops::Range<usize>) {
        self.catalogue.begin().unwrap();
        for number in numbers {
            self.write(number, "");
        }
        self.catalogue.commit().unwrap();
    }

    /// Changes a clip like an edit by a user.
    pub(super) fn edit(&self, number: usize, text: &str) {
        self.catalogue.begin().unwrap();
        self.write(number, text);
        self.catalogue.commit().unwrap();
    }

    fn write(&self, number: usize, text: &str) {
        write(&self.catalogue, self.dir, number, text);
    }

    /// Brings the index up to date. Retries while the lock is busy: a process that another test
    /// starts shares the lock of an earlier call until it executes its program.
    pub(super) fn catch_up(&self) {
        while !try_catch_up(&self.catalogue, "test", &mut |_| ()).unwrap() {
            std::thread::yield_now();
        }
    }

    pub(super) fn search(&self, words: &str, notices: &mut Vec<IndexNotice>) -> Vec<i64> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let query = Query::parse(&words, &Context::plain(today())).unwrap();
        let mut on_notice = |notice: &IndexNotice| notices.push(notice.clone());
        let found = find(&query, &self.catalogue, usize::MAX, &mut on_notice).unwrap();
        assert_eq!(found.total, found.clips.len());
        found.clips
    }

    /// Returns the results of all test queries, sorted by id. Their original order depends on word
    /// frequencies, in which deleted clips count until their segment is merged.
    pub(super) fn search_all(&self, notices: &mut Vec<IndexNotice>) -> Vec<Vec<i64>> {
        let search_one = |words: &&str| {
            let mut clips = self.search(words, notices);
            clips.sort_unstable();
            clips
        };
        QUERIES.iter().map(search_one).collect()
    }

    /// Returns the same results as [`Self::search_all`], but opens the index only once, as `browse`
    /// does.
    pub(super) fn search_all_with_one_finder(
        &self,
        notices: &mut Vec<IndexNotice>,
    ) -> Vec<Vec<i64>> {
        let mut on_notice = |notice: &IndexNotice| notices.push(notice.clone());
        let mut finder = Finder::open(&self.catalogue, &mut on_notice).unwrap();
        let search_one = |words: &&str| {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            let query = Query::parse(&words, &Context::plain(today())).unwrap();
            let found = finder.find(&query, &SortOrder::default(), usize::MAX, &mut on_notice);
            let mut clips = found.unwrap().clips;
            clips.sort_unstable();
            clips
        };
        QUERIES.iter().map(search_one).collect()
    }

    pub(super) fn index(&self) -> PathBuf {
        Index::folder(&self.catalogue)
    }

    pub(super) fn open(&self) -> Index {
        match Index::open(&self.catalogue).unwrap() {
            IndexState::Usable(index) => *index,
            IndexState::Missing => panic!("the index is missing"),
            IndexState::Mismatched(reason) => panic!("the index {reason}"),
            IndexState::Damaged { file } => panic!("{file} is damaged"),
            IndexState::NotOurs => panic!("the index folder is foreign"),
        }
    }

    pub(super) fn assert_equal(&self, clips: usize) {
        let audit = self.open().audit(&self.catalogue).unwrap();
        assert!(audit.is_equal(), "{audit:?}");
        assert_eq!(audit.compared, clips);
    }
}

/// Writes one clip within the caller's transaction.
pub(super) fn write(catalogue: &Catalogue, dir: i64, number: usize, text: &str) {
    let name = OsString::from(format!("C{number:04}.MP4"));
    let existing = catalogue.file_id(dir, &name).unwrap();
    let found = FoundFile {
        name,
        bytes: 1000,
        modified: 1_779_278_400_000_000_000,
        changed: None,
        inode: None,
        role: Role::Media,
        original: None,
        frames: None,
    };
    let file = if let Some(file) = existing {
        let updated = catalogue.update_file(file, &found, Role::Media, None);
        updated.unwrap();
        file
    } else {
        let added = catalogue.add_file(dir, &found, Role::Media, None);
        added.unwrap()
    };
    let fact = |text: String| Some(Fact::new(text, Source::CONTAINER));
    let word = |at: usize| WORDS[(number / at) % WORDS.len()];
    let facts = Clip {
        model: fact(CAMERAS[number % CAMERAS.len()].to_owned()),
        comment: fact(format!("{} {} take {number} {text}", word(1), word(8))),
        title: fact(word(64).to_owned()),
        width: Some(Fact::new([1920, 3840][number % 2], Source::STREAM)),
        ..Clip::default()
    };
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
    let reading = Reading {
        sidecar_readers: None,
        file,
        fingerprint: Some(Fingerprint::from_bytes(bytes)),
        file_facts: Clip::default(),
        outcome: ReadOutcome::Read {
            reader: crate::media::HeaderReader::IsoMedia.label(),
            facts: Box::new(facts),
            pictures: None,
        },
    };
    catalogue.record(&reading).unwrap();
}

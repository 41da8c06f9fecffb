//! Clips for the search benchmark: those of `synthetic`, with more to search for: tags, titles,
//! notes, stars, places, and a transcript for one clip in ten.

use btsindex::clip::{Clip, Fact, Source};
use btsindex::value::{TagOrigin, Tagged};

use super::synthetic::{self, Random, SyntheticClip};
use super::vocabulary::{Vocabulary, log_uniform_rank};

/// Number of tags, in addition to those from rules.
const TAGS: usize = 300;
/// First vocabulary rank for tags of one word.
const ONE_WORD_TAGS: usize = 2000;
/// First vocabulary rank for tags of two words. No word is in both ranges, so a phrase never
/// matches across two tags.
const TWO_WORD_TAGS: usize = 5000;
/// Number of words in a transcript.
const TRANSCRIPT_WORDS: u64 = 200;

/// Generator of clips.
pub(crate) struct ClipGenerator {
    pub(crate) vocabulary: Vocabulary,
    tags: Vec<String>,
}

/// Clip with all facts and edits to write.
pub(crate) struct SearchClip {
    pub(crate) number: u64,
    pub(crate) base: SyntheticClip,
    /// Facts of the content.
    pub(crate) facts: Clip,
    /// Facts from name and folder.
    pub(crate) file_facts: Clip,
    /// Note of a user.
    pub(crate) note: Option<String>,
    /// Rating of a user, from 1 to 5.
    pub(crate) stars: Option<u8>,
}

/// Searchable texts of a clip, in six columns. A phrase matches only within one text.
pub(crate) struct ClipTexts {
    pub(crate) name: String,
    pub(crate) folder: String,
    pub(crate) tags: Vec<String>,
    pub(crate) camera: Vec<String>,
    /// Title or note: no clip has both.
    pub(crate) title: String,
    pub(crate) comment: String,
}

impl ClipGenerator {
    pub(crate) fn new() -> Self {
        let vocabulary = Vocabulary::new();
        let tag = |number: usize| {
            if number % 4 == 3 {
                let first = vocabulary.word(TWO_WORD_TAGS + number);
                let second = vocabulary.word(TWO_WORD_TAGS + TAGS + number);
                format!("{first} {second}")
            } else {
                vocabulary.word(ONE_WORD_TAGS + number).to_owned()
            }
        };
        let tags = (0..TAGS).map(tag).collect();
        Self { vocabulary, tags }
    }

    /// Returns the clip with a number, always the same one.
    pub(crate) fn clip(&self, number: u64) -> SearchClip {
        let mut random = Random(number ^ 0xd4e5_5ed0_0000_0000);
        let base = synthetic::clip(number);
        let mut facts: Clip = serde_json::from_str(&base.facts).unwrap();
        let mut file_facts: Clip = serde_json::from_str(&base.file_facts).unwrap();
        let extra_tags = 2 + random.below(3);
        if let Some(tags) = &mut file_facts.tags {
            while (tags.value.iter().count() as u64) < extra_tags + 1 {
                let tag = self.tags[log_uniform_rank(TAGS, &mut random)].clone();
                let (rule, evidence) = (tag.replace(' ', "-"), tag.clone());
                let why = TagOrigin::Rule {
                    rule,
                    evidence,
                    confidence: 90,
                };
                tags.value.add(Tagged { tag, origin: why });
            }
        }
        let percent = random.below(100);
        if percent < 30 {
            let words = 2 + random.below(4);
            let title = self.vocabulary.sentence(words, &mut random);
            facts.title = Some(Fact::new(title, Source::CONTAINER));
        }
        let note = (percent == 99).then(|| {
            let words = 4 + random.below(8);
            self.vocabulary.sentence(words, &mut random)
        });
        if random.below(10) == 0 {
            let transcript = self.vocabulary.sentence(TRANSCRIPT_WORDS, &mut random);
            facts.comment = Some(Fact::new(transcript, Source::CONTAINER));
        }
        let make = facts.make.as_ref().map(|make| make.value.as_str());
        if matches!(make, Some("Apple" | "DJI")) {
            let (north, east) = (40 + random.below(16), random.below(20));
            let (n, e) = (random.below(1_000_000), random.below(1_000_000));
            let place = format!("{north}.{n:06},{east}.{e:06}").parse().unwrap();
            facts.gps = Some(Fact::new(place, Source::QUICKTIME));
        }
        let stars = (random.below(20) == 0).then(|| u8::try_from(1 + random.below(5)).unwrap());
        SearchClip {
            number,
            base,
            facts,
            file_facts,
            note,
            stars,
        }
    }
}

impl ClipTexts {
    /// Returns the total length in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let several = self.tags.iter().chain(&self.camera);
        let all = [&self.name, &self.folder, &self.title, &self.comment].into_iter();
        all.chain(several).map(String::len).sum()
    }
}

impl SearchClip {
    /// Returns all facts, merged as in the catalogue.
    pub(crate) fn merged(&self) -> Clip {
        let mut clip = self.facts.clone();
        clip.merge(&self.file_facts);
        clip
    }

    pub(crate) fn texts(&self) -> ClipTexts {
        let clip = self.merged();
        let text = |fact: Option<Fact<String>>| fact.map_or_else(String::new, |fact| fact.value);
        let camera = [clip.make, clip.model, clip.lens].map(text);
        let tags = clip.tags.iter().flat_map(|tags| tags.value.iter());
        ClipTexts {
            name: self.base.name.clone(),
            folder: self.base.folder.to_string_lossy().into_owned(),
            tags: tags.map(|tagged| tagged.tag.clone()).collect(),
            camera: camera.into_iter().filter(|text| !text.is_empty()).collect(),
            title: self.note.clone().unwrap_or_else(|| text(clip.title)),
            comment: text(clip.comment),
        }
    }
}

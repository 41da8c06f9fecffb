//! The clips that are searched: those of `believable`, with what makes a catalogue worth
//! searching: tags, titles, notes, stars, places, and a transcript of one clip in ten.

use btsindex::clip::{Clip, Fact, Source};
use btsindex::value::{TagOrigin, Tagged};

use super::believable::{self, Dice, Invented};
use super::words::{Words, rank};

/// Tags beside those that the rules give.
const TAGS: usize = 300;
/// Words of the vocabulary that tags of one word are made of, and of two: no word is in both,
/// so a phrase never reaches from one tag into the next.
const SINGLE: usize = 2000;
const DOUBLE: usize = 5000;
/// Words of a transcript.
const TRANSCRIPT: u64 = 200;

/// Everything that clips are made from.
pub(crate) struct World {
    pub(crate) words: Words,
    tags: Vec<String>,
}

/// One clip: what the catalogue is told, and what a table of it would hold.
pub(crate) struct Dressed {
    pub(crate) number: u64,
    pub(crate) invented: Invented,
    /// What its content says.
    pub(crate) facts: Clip,
    /// What its place says.
    pub(crate) file_facts: Clip,
    /// What a person wrote of it.
    pub(crate) note: Option<String>,
    /// Stars that a person gave it.
    pub(crate) stars: Option<u8>,
}

/// What is found by words, in six columns; phrases stay within one of these texts.
pub(crate) struct Texts {
    pub(crate) name: String,
    pub(crate) folder: String,
    pub(crate) tags: Vec<String>,
    pub(crate) camera: Vec<String>,
    /// The title, or what people wrote: no clip has both.
    pub(crate) title: String,
    pub(crate) comment: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let words = Words::new();
        let tag = |number: usize| {
            if number % 4 == 3 {
                let (one, two) = (words.at(DOUBLE + number), words.at(DOUBLE + TAGS + number));
                format!("{one} {two}")
            } else {
                words.at(SINGLE + number).to_owned()
            }
        };
        let tags = (0..TAGS).map(tag).collect();
        Self { words, tags }
    }

    /// The clip of that number, the same each time.
    pub(crate) fn clip(&self, number: u64) -> Dressed {
        let mut dice = Dice(number ^ 0xd4e5_5ed0_0000_0000);
        let invented = believable::clip(number);
        let mut facts: Clip = serde_json::from_str(&invented.facts).unwrap();
        let mut file_facts: Clip = serde_json::from_str(&invented.file_facts).unwrap();
        let more = 2 + dice.below(3);
        if let Some(tags) = &mut file_facts.tags {
            while (tags.value.iter().count() as u64) < more + 1 {
                let tag = self.tags[rank(TAGS, &mut dice)].clone();
                let (rule, evidence) = (tag.replace(' ', "-"), tag.clone());
                let why = TagOrigin::Rule {
                    rule,
                    evidence,
                    confidence: 90,
                };
                tags.value.add(Tagged { tag, origin: why });
            }
        }
        let told = dice.below(100);
        if told < 30 {
            let words = 2 + dice.below(4);
            let title = self.words.sentence(words, &mut dice);
            facts.title = Some(Fact::new(title, Source::CONTAINER));
        }
        let note = (told == 99).then(|| {
            let words = 4 + dice.below(8);
            self.words.sentence(words, &mut dice)
        });
        if dice.below(10) == 0 {
            let transcript = self.words.sentence(TRANSCRIPT, &mut dice);
            facts.comment = Some(Fact::new(transcript, Source::CONTAINER));
        }
        let make = facts.make.as_ref().map(|make| make.value.as_str());
        if matches!(make, Some("Apple" | "DJI")) {
            let (north, east) = (40 + dice.below(16), dice.below(20));
            let (n, e) = (dice.below(1_000_000), dice.below(1_000_000));
            let place = format!("{north}.{n:06},{east}.{e:06}").parse().unwrap();
            facts.gps = Some(Fact::new(place, Source::QUICKTIME));
        }
        let stars = (dice.below(20) == 0).then(|| u8::try_from(1 + dice.below(5)).unwrap());
        Dressed {
            number,
            invented,
            facts,
            file_facts,
            note,
            stars,
        }
    }
}

impl Texts {
    /// How long they are together.
    pub(crate) fn bytes(&self) -> usize {
        let several = self.tags.iter().chain(&self.camera);
        let all = [&self.name, &self.folder, &self.title, &self.comment].into_iter();
        all.chain(several).map(String::len).sum()
    }
}

impl Dressed {
    /// All that is known of it, as the catalogue merges it.
    pub(crate) fn merged(&self) -> Clip {
        let mut clip = self.facts.clone();
        clip.merge(&self.file_facts);
        clip
    }

    pub(crate) fn texts(&self) -> Texts {
        let clip = self.merged();
        let text = |fact: Option<Fact<String>>| fact.map_or_else(String::new, |fact| fact.value);
        let camera = [clip.make, clip.model, clip.lens].map(text);
        let tags = clip.tags.iter().flat_map(|tags| tags.value.iter());
        Texts {
            name: self.invented.name.clone(),
            folder: self.invented.folder.to_string_lossy().into_owned(),
            tags: tags.map(|tagged| tagged.tag.clone()).collect(),
            camera: camera.into_iter().filter(|text| !text.is_empty()).collect(),
            title: self.note.clone().unwrap_or_else(|| text(clip.title)),
            comment: text(clip.comment),
        }
    }
}

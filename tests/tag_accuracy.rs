//! The built-in rules compared with labels by people who know the trade: `tests/labels`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use btsindex::clip::Clip;
use btsindex::tag::{Rules, UserRules};

/// A path with its correct tags and facts.
struct Labelled {
    path: String,
    tags: BTreeSet<String>,
    facts: BTreeMap<String, String>,
}

fn labelled(text: &str) -> Vec<Labelled> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split('\t').collect();
            let [path, tags, facts] = parts.as_slice() else {
                panic!("{line}");
            };
            let facts = facts.split(';').filter_map(|fact| fact.split_once('='));
            Labelled {
                path: (*path).to_owned(),
                tags: tags
                    .split(',')
                    .filter(|tag| !tag.is_empty())
                    .flat_map(with_parents)
                    .collect(),
                facts: facts
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .collect(),
            }
        })
        .collect()
}

/// A tag and its parents.
fn with_parents(tag: &str) -> Vec<String> {
    let above = tag.match_indices('/').map(|(at, _)| tag[..at].to_owned());
    above.chain([tag.to_owned()]).collect()
}

#[derive(Default, Clone, Copy)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
}

impl Score {
    fn precision(self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }

    fn recall(self) -> f64 {
        ratio(self.right, self.right + self.missed)
    }

    fn add(&mut self, other: Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.missed += other.missed;
    }
}

fn ratio(part: usize, all: usize) -> f64 {
    let part = f64::from(u32::try_from(part).unwrap());
    let all = f64::from(u32::try_from(all).unwrap());
    if all == 0.0 { 1.0 } else { part / all }
}

fn tag_path(rules: &Rules, path: &str) -> Clip {
    let path = Path::new(path);
    let place = rules.folder_context(path.parent().unwrap(), "", &[]);
    rules.apply(&place, path, &Clip::default())
}

fn facts(clip: &Clip) -> BTreeMap<String, String> {
    let text = |value: Option<String>| value;
    let number =
        |fact: &Option<btsindex::clip::Fact<u32>>| fact.as_ref().map(|fact| fact.value.to_string());
    let words =
        |fact: &Option<btsindex::clip::Fact<String>>| fact.as_ref().map(|fact| fact.value.clone());
    [
        ("camera", words(&clip.camera_letter)),
        ("reel", words(&clip.reel)),
        ("clip", number(&clip.clip_number)),
        ("chapter", number(&clip.chapter)),
        ("scene", words(&clip.scene)),
        ("take", number(&clip.take)),
        ("day", number(&clip.shoot_day)),
        ("date", text(clip.day())),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), value?)))
    .collect()
}

/// Computes scores by kind, and the lines with errors.
fn measure(
    rules: &Rules,
    set: &[Labelled],
) -> (BTreeMap<String, Score>, BTreeMap<String, Score>, String) {
    let vocabulary = rules.vocabulary();
    let group = |tag: &str| {
        let entry = vocabulary.tags().iter().find(|entry| entry.id == tag);
        entry
            .map_or("none", |entry| entry.group.as_str())
            .to_owned()
    };
    let mut tags: BTreeMap<String, Score> = BTreeMap::new();
    let mut of_facts: BTreeMap<String, Score> = BTreeMap::new();
    let mut wrong = String::new();
    for one in set {
        let clip = tag_path(rules, &one.path);
        let found: BTreeSet<String> = clip
            .tags
            .iter()
            .flat_map(|tags| tags.value.iter())
            .flat_map(|tagged| with_parents(&tagged.tag))
            .collect();
        for tag in found.union(&one.tags) {
            let score = Score {
                right: usize::from(found.contains(tag) && one.tags.contains(tag)),
                wrong: usize::from(!one.tags.contains(tag)),
                missed: usize::from(!found.contains(tag)),
            };
            tags.entry(format!("{} {tag}", group(tag)))
                .or_default()
                .add(score);
            tags.entry(group(tag)).or_default().add(score);
            tags.entry("all".to_owned()).or_default().add(score);
        }
        let detected = facts(&clip);
        let keys: BTreeSet<&String> = detected.keys().chain(one.facts.keys()).collect();
        for key in keys {
            let (found, expected) = (detected.get(key), one.facts.get(key));
            of_facts.entry(key.clone()).or_default().add(Score {
                right: usize::from(found == expected),
                wrong: usize::from(found.is_some() && found != expected),
                missed: usize::from(expected.is_some() && found != expected),
            });
            if found != expected {
                writeln!(
                    wrong,
                    "{}: {key} is {expected:?}, found {found:?}",
                    one.path
                )
                .unwrap();
            }
        }
        if found != one.tags {
            let more: Vec<&String> = found.difference(&one.tags).collect();
            let less: Vec<&String> = one.tags.difference(&found).collect();
            writeln!(wrong, "{}: +{more:?} -{less:?}", one.path).unwrap();
        }
    }
    (tags, of_facts, wrong)
}

fn table(scores: &BTreeMap<String, Score>) -> String {
    let mut text = String::new();
    for (kind, score) in scores {
        writeln!(
            text,
            "{kind:44} {:5.3} {:5.3}  {:4} right {:3} wrong {:3} missed",
            score.precision(),
            score.recall(),
            score.right,
            score.wrong,
            score.missed
        )
        .unwrap();
    }
    text
}

/// Lower limits of precision and recall over all tags.
const HALVES: [(&str, &str, f64, f64); 3] = [
    ("tuning", include_str!("labels/tuning.tsv"), 0.97, 0.97),
    (
        "tuning, tags alone",
        include_str!("labels/tuning-tags.tsv"),
        0.97,
        0.95,
    ),
    ("held out", include_str!("labels/held-out.tsv"), 0.92, 0.91),
];

#[test]
fn rules_agree_with_the_labels() {
    let rules = Rules::new(&UserRules::default()).unwrap();
    for (half, text, least_precision, least_recall) in HALVES {
        let set = labelled(text);
        assert!(set.len() > 300);
        let (tags, of_facts, wrong) = measure(&rules, &set);
        println!(
            "{half}: {} paths; precision and recall\n{}\n{}",
            set.len(),
            table(&tags),
            table(&of_facts)
        );
        // For the held-out half, only numbers are printed.
        if half != "held out" {
            println!("{wrong}");
        }
        let all = tags["all"];
        assert!(
            all.precision() >= least_precision,
            "{half}: {}",
            all.precision()
        );
        assert!(all.recall() >= least_recall, "{half}: {}", all.recall());
    }
}

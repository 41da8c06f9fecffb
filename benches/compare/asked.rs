//! What was typed after `cargo bench --bench compare --`.

use crate::sets::SETS;
use crate::ways::Way;

const ROUNDS: usize = 3;

/// What is compared, and how the answer is printed.
pub(crate) struct Asked {
    pub(crate) sets: Vec<&'static str>,
    pub(crate) ways: Vec<Way>,
    pub(crate) rounds: usize,
    pub(crate) markdown: bool,
}

/// How to ask.
pub(crate) fn usage() -> String {
    let ways: Vec<_> = Way::ALL.iter().map(|way| way.name()).collect();
    format!(
        "usage: cargo bench --bench compare -- [SET…] [WAY…] [--rounds N] [--markdown]\n\
         sets: {}, or the beginning of their names\nways: {}",
        SETS.join(", "),
        ways.join(", "),
    )
}

impl Asked {
    /// Everything is compared where nothing is named.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut asked = Self {
            sets: Vec::new(),
            ways: Vec::new(),
            rounds: ROUNDS,
            markdown: false,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => {}
                "--markdown" => asked.markdown = true,
                "--rounds" => {
                    asked.rounds = arguments
                        .next()
                        .and_then(|rounds| rounds.parse().ok())
                        .filter(|&rounds| rounds > 0)
                        .ok_or("`--rounds` takes a number above 0")?;
                }
                name => asked.add(name)?,
            }
        }
        if asked.sets.is_empty() {
            asked.sets = SETS.to_vec();
        }
        if asked.ways.is_empty() {
            asked.ways = Way::ALL.to_vec();
        }
        Ok(asked)
    }

    /// A set, several sets by the beginning of their names, or a way.
    fn add(&mut self, name: &str) -> Result<(), String> {
        if let Some(&way) = Way::ALL.iter().find(|way| way.name() == name) {
            self.ways.push(way);
            return Ok(());
        }
        let exact: Vec<_> = SETS
            .iter()
            .filter(|set| set.eq_ignore_ascii_case(name))
            .collect();
        let begun = SETS.iter().filter(|set| {
            set.get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        });
        let found: Vec<&'static str> = if exact.is_empty() {
            begun.copied().collect()
        } else {
            exact.into_iter().copied().collect()
        };
        if found.is_empty() {
            return Err(format!("no set and no way is called `{name}`"));
        }
        self.sets.extend(found);
        Ok(())
    }
}

//! Arguments after `cargo bench --bench compare --`.

use crate::methods::Method;
use crate::sets::SETS;

const ROUNDS: usize = 3;

/// Sets and methods to compare, and output options.
pub(crate) struct Arguments {
    pub(crate) sets: Vec<&'static str>,
    pub(crate) methods: Vec<Method>,
    pub(crate) rounds: usize,
    pub(crate) markdown: bool,
}

/// Returns the usage text.
pub(crate) fn usage() -> String {
    let methods: Vec<_> = Method::ALL.iter().map(|method| method.name()).collect();
    format!(
        "usage: cargo bench --bench compare -- [SET…] [METHOD…] [--rounds N] [--markdown]\n\
         sets: {}, or a prefix of the names\nmethods: {}",
        SETS.join(", "),
        methods.join(", "),
    )
}

impl Arguments {
    /// Parses the arguments. Without names, all sets and all methods are compared.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self {
            sets: Vec::new(),
            methods: Vec::new(),
            rounds: ROUNDS,
            markdown: false,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => {}
                "--markdown" => parsed.markdown = true,
                "--rounds" => {
                    parsed.rounds = arguments
                        .next()
                        .and_then(|rounds| rounds.parse().ok())
                        .filter(|&rounds| rounds > 0)
                        .ok_or("`--rounds` takes a number above 0")?;
                }
                name => parsed.add(name)?,
            }
        }
        if parsed.sets.is_empty() {
            parsed.sets = SETS.to_vec();
        }
        if parsed.methods.is_empty() {
            parsed.methods = Method::ALL.to_vec();
        }
        Ok(parsed)
    }

    /// Adds a method, a set, or all sets whose names begin with `name`.
    fn add(&mut self, name: &str) -> Result<(), String> {
        if let Some(&method) = Method::ALL.iter().find(|method| method.name() == name) {
            self.methods.push(method);
            return Ok(());
        }
        let exact: Vec<_> = SETS
            .iter()
            .filter(|set| set.eq_ignore_ascii_case(name))
            .collect();
        let with_prefix = SETS.iter().filter(|set| {
            set.get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        });
        let found: Vec<&'static str> = if exact.is_empty() {
            with_prefix.copied().collect()
        } else {
            exact.into_iter().copied().collect()
        };
        if found.is_empty() {
            return Err(format!("no set or method `{name}`"));
        }
        self.sets.extend(found);
        Ok(())
    }
}

//! Rule: a condition, and the tags and facts that it assigns.

use super::condition::{Condition, Evidence};

/// Compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) when: Condition,
    pub(super) tags: Vec<String>,
    pub(super) facts: Vec<RuleFact>,
    pub(super) confidence: u8,
    pub(super) priority: i64,
    pub(super) excludes: Vec<String>,
    pub(super) is_off: bool,
}

/// Fact that a rule assigns.
#[derive(Debug)]
pub(super) struct RuleFact {
    pub(super) field: &'static str,
    /// Value of the fact; `$scene` stands for the text of the pattern's group `scene`.
    pub(super) text: String,
}

impl Rule {
    /// Returns the facts that the rule assigns, with the texts of pattern groups filled in.
    pub(super) fn facts(&self, evidence: &Evidence) -> Vec<(&'static str, String)> {
        let facts = self.facts.iter().filter_map(|fact| {
            let text = match fact.text.strip_prefix('$') {
                None => fact.text.clone(),
                Some(group) => {
                    let captured = evidence.captures.iter().find(|(name, _)| name == group);
                    captured?.1.clone()
                }
            };
            let text = text.trim().to_owned();
            (!text.is_empty()).then_some((fact.field, text))
        });
        facts.collect()
    }
}

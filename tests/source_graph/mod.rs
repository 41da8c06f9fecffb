//! Arrows between source files: which file uses a definition of which other file.
//!
//! A name that a module only re-exports leads to the file that defines it, so a `mod.rs` with
//! declarations and re-exports has no arrows. Test code has none either.

mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

pub(crate) use tokens::{Token, tokens};

/// Path of a module from the root of its crate, such as `["index", "order"]`.
pub(crate) type ModulePath = Vec<String>;

/// Name imported by a `use` declaration.
#[derive(Debug)]
struct Import {
    path: Vec<String>,
    /// Name in this file; `*` for all names.
    name: String,
    is_reexport: bool,
    scope: ModulePath,
}

/// Source file without its test code.
#[derive(Debug, Default)]
pub(crate) struct SourceFile {
    /// Path of the file, for messages.
    pub(crate) file: String,
    test_children: BTreeSet<String>,
    imports: Vec<Import>,
    /// Paths outside `use` declarations, each with the inline modules around it.
    paths: Vec<(ModulePath, Vec<String>)>,
    /// Names outside `use` declarations and paths.
    words: BTreeSet<String>,
    definitions: BTreeSet<String>,
}

/// Sources of one program by module, and the arrows between them.
#[derive(Debug, Default)]
pub(crate) struct SourceGraph {
    sources: BTreeMap<ModulePath, SourceFile>,
    /// For each pair of modules, the names that the first takes from the second.
    pub(crate) arrows: BTreeMap<(ModulePath, ModulePath), BTreeSet<String>>,
}

impl SourceGraph {
    /// Reads all files of a source folder. `lib.rs` and `main.rs` are both the root.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut graph = Self::default();
        graph.add_folder(folder, folder);
        graph.connect();
        graph
    }

    /// Builds the graph of texts, each with its path below the source folder.
    pub(crate) fn of_texts(texts: &[(&str, &str)]) -> Self {
        let mut graph = Self::default();
        for (path, text) in texts {
            graph.add(path, text);
        }
        graph.connect();
        graph
    }

    /// Returns the path of a module's file.
    pub(crate) fn file(&self, module: &ModulePath) -> &str {
        &self.sources[module].file
    }

    fn add_folder(&mut self, folder: &Path, root: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.add_folder(&path, root);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                self.add(name, &fs::read_to_string(&path).unwrap());
            }
        }
    }

    fn add(&mut self, path: &str, text: &str) {
        let stem = path.strip_suffix(".rs").unwrap();
        let mut module: ModulePath = stem.split('/').map(str::to_owned).collect();
        if module.len() > 1 && module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        let source = SourceFile::parse(path, text);
        if module == ["lib"] {
            module.clear();
        }
        self.sources.insert(module, source);
    }

    fn connect(&mut self) {
        self.remove_tests();
        let mut arrows: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (module, source) in &self.sources {
            for (target, name) in self.uses_of(module, source) {
                if target != *module {
                    let names = arrows.entry((module.clone(), target)).or_default();
                    names.insert(name);
                }
            }
        }
        self.arrows = arrows;
    }

    /// Removes modules declared for tests, and everything below them.
    fn remove_tests(&mut self) {
        let mut tests: Vec<ModulePath> = Vec::new();
        for (module, source) in &self.sources {
            tests.extend(source.test_children.iter().map(|name| child(module, name)));
        }
        let is_test = |module: &ModulePath| tests.iter().any(|test| module.starts_with(test));
        self.sources.retain(|module, _| !is_test(module));
    }

    /// Lists the definitions that a file uses: the module and the name of each.
    fn uses_of(&self, module: &ModulePath, source: &SourceFile) -> Vec<(ModulePath, String)> {
        let mut found = Vec::new();
        for import in &source.imports {
            let scope = [module.clone(), import.scope.clone()].concat();
            let is_used = !import.is_reexport || source.words.contains(&import.name);
            if !is_used {
                continue;
            }
            if import.name == "*" {
                // Whatever it imports, the module is used.
                found.extend(
                    self.module_of(&scope, &import.path)
                        .map(|at| (at, "*".to_owned())),
                );
            } else {
                found.extend(self.resolve(&scope, &import.path));
            }
        }
        for (scope, path) in &source.paths {
            let scope = [module.clone(), scope.clone()].concat();
            found.extend(self.resolve(&scope, path));
        }
        found
    }

    /// Finds the file that defines what a path names. `None` for other crates, for local names, and
    /// for a module itself: only what is used of it makes an arrow.
    fn resolve(&self, scope: &ModulePath, path: &[String]) -> Option<(ModulePath, String)> {
        self.resolve_within(scope, path, 8)
    }

    fn resolve_within(
        &self,
        scope: &ModulePath,
        path: &[String],
        steps: usize,
    ) -> Option<(ModulePath, String)> {
        let steps = steps.checked_sub(1)?;
        let Some((mut at, mut rest)) = self.begin(scope, path) else {
            // The first name may be imported.
            let import = self.import_of(scope, path.first()?)?;
            let whole = [import.path.as_slice(), &path[1..]].concat();
            let scope = [self.file_module(scope)?, import.scope.clone()].concat();
            return self.resolve_within(&scope, &whole, steps);
        };
        while let Some((first, after)) = rest.split_first()
            && self.sources.contains_key(&child(&at, first))
        {
            at = child(&at, first);
            rest = after;
        }
        let name = rest.first()?;
        let source = &self.sources[&self.file_module(&at)?];
        if source.definitions.contains(name) {
            return Some((self.file_module(&at)?, name.clone()));
        }
        if let Some(import) = self.import_of(&at, name) {
            let inner = [at.clone(), import.scope.clone()].concat();
            let whole = [import.path.as_slice(), &rest[1..]].concat();
            return self.resolve_within(&inner, &whole, steps);
        }
        for import in source.imports.iter().filter(|import| import.name == "*") {
            let within = self.module_of(&at, &import.path);
            let within = within.filter(|within| self.sources[within].definitions.contains(name));
            if let Some(within) = within {
                return Some((within, name.clone()));
            }
        }
        // A name that a macro defines, or an associated item.
        Some((self.file_module(&at)?, name.clone()))
    }

    /// Returns the module where a path begins, and the rest of the path. `None` if the first name
    /// is neither a keyword nor a child module.
    fn begin<'a>(
        &self,
        scope: &ModulePath,
        path: &'a [String],
    ) -> Option<(ModulePath, &'a [String])> {
        let mut rest = path;
        let mut at = scope.clone();
        match rest.first()?.as_str() {
            "crate" => {
                at.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {}
            first => {
                let is_child = self.sources.contains_key(&child(scope, first));
                return is_child.then_some((at, rest));
            }
        }
        while rest.first().is_some_and(|part| part == "super") {
            at.pop();
            rest = &rest[1..];
        }
        Some((at, rest))
    }

    fn import_of(&self, scope: &ModulePath, name: &str) -> Option<&Import> {
        let source = self.sources.get(&self.file_module(scope)?)?;
        source.imports.iter().find(|import| import.name == name)
    }

    /// Returns the module that a path names completely.
    fn module_of(&self, scope: &ModulePath, path: &[String]) -> Option<ModulePath> {
        let (at, rest) = self.begin(scope, path)?;
        let module = [at, rest.to_vec()].concat();
        self.sources.contains_key(&module).then_some(module)
    }

    /// Returns the module whose file contains a module, which may be inline.
    fn file_module(&self, module: &ModulePath) -> Option<ModulePath> {
        let lengths = (0..=module.len()).rev();
        let mut modules = lengths.map(|length| module[..length].to_vec());
        modules.find(|module| self.sources.contains_key(module))
    }

    /// Returns the circles: groups of files that reach each other, given the arrows to follow.
    pub(crate) fn circles(
        &self,
        follow: impl Fn(&ModulePath, &ModulePath) -> bool,
    ) -> Vec<BTreeSet<ModulePath>> {
        let mut reach: BTreeMap<&ModulePath, BTreeSet<&ModulePath>> = BTreeMap::new();
        for (from, to) in self.arrows.keys().filter(|(from, to)| follow(from, to)) {
            reach.entry(from).or_default().insert(to);
        }
        let reached_from = |start| {
            let mut seen: BTreeSet<&ModulePath> = BTreeSet::new();
            let mut open: Vec<&ModulePath> = vec![start];
            while let Some(at) = open.pop() {
                let next = reach.get(at).into_iter().flatten();
                open.extend(next.filter(|next| seen.insert(next)));
            }
            seen
        };
        let all: BTreeMap<&ModulePath, _> = reach
            .keys()
            .map(|module| (*module, reached_from(*module)))
            .collect();
        let mut circles: Vec<BTreeSet<ModulePath>> = Vec::new();
        for (module, reached) in &all {
            let is_seen = circles.iter().any(|circle| circle.contains(*module));
            if is_seen || !reached.contains(*module) {
                continue;
            }
            let returns =
                |other: &&&ModulePath| all.get(**other).is_some_and(|back| back.contains(module));
            circles.push(
                reached
                    .iter()
                    .filter(returns)
                    .map(|other| (*other).clone())
                    .collect(),
            );
        }
        circles
    }
}

fn child(module: &ModulePath, name: &str) -> ModulePath {
    let mut path = module.clone();
    path.push(name.to_owned());
    path
}

impl SourceFile {
    fn parse(file: &str, text: &str) -> Self {
        let mut source = Self {
            file: file.to_owned(),
            ..Self::default()
        };
        let tokens = source.without_tests(&tokens(text));
        let mut scope: Vec<(usize, String)> = Vec::new();
        let mut depth = 0;
        let mut at = 0;
        while at < tokens.len() {
            let names = || {
                scope
                    .iter()
                    .map(|(_, name)| name.clone())
                    .collect::<ModulePath>()
            };
            let next = tokens.get(at + 1);
            match &tokens[at] {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => {
                    depth -= 1;
                    scope.retain(|(begin, _)| *begin < depth + 1);
                }
                Token::Word(word) if word == "use" && is_declaration(&tokens, at) => {
                    let is_reexport = is_public(&tokens, at);
                    let mut imports = Vec::new();
                    at = import_tree(&tokens, at + 1, &[], &mut imports);
                    source
                        .imports
                        .extend(imports.into_iter().map(|(path, name)| Import {
                            path,
                            name,
                            is_reexport,
                            scope: names(),
                        }));
                    continue;
                }
                Token::Word(word) if word == "mod" => {
                    let name = next.and_then(Token::word).unwrap_or_default().to_owned();
                    if tokens.get(at + 2) == Some(&Token::Mark('{')) {
                        scope.push((depth + 1, name));
                    }
                    at += 2;
                    continue;
                }
                Token::Word(word) if next == Some(&Token::Separator) => {
                    let mut path = vec![word.clone()];
                    while tokens.get(at + 1) == Some(&Token::Separator)
                        && let Some(word) = tokens.get(at + 2).and_then(Token::word)
                    {
                        path.push(word.to_owned());
                        at += 2;
                    }
                    // The first name of a path may be a type that is re-exported here.
                    source.words.insert(path[0].clone());
                    source.paths.push((names(), path));
                }
                Token::Word(word) => {
                    // The name of a field or a method is not that of a definition.
                    let is_member = next == Some(&Token::Mark(':'))
                        || (at > 0 && tokens[at - 1] == Token::Mark('.'));
                    if !is_member {
                        source.words.insert(word.clone());
                    }
                    if ITEMS.contains(&word.as_str())
                        && let Some(name) = next.and_then(Token::word)
                    {
                        source.definitions.insert(name.to_owned());
                    }
                }
                _ => {}
            }
            at += 1;
        }
        source
    }

    /// Removes items under `#[cfg(test)]`. Remembers the names of modules among them.
    fn without_tests(&mut self, tokens: &[Token]) -> Vec<Token> {
        let mut kept = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let end = attribute_end(tokens, at);
            let Some(mut end) = end.filter(|end| is_for_tests(&tokens[at..*end])) else {
                kept.push(tokens[at].clone());
                at += 1;
                continue;
            };
            while let Some(next) = attribute_end(tokens, end) {
                end = next;
            }
            let item_end = item_end(tokens, end);
            let item = &tokens[end..item_end];
            if let [
                ..,
                Token::Word(keyword),
                Token::Word(name),
                Token::Mark(';'),
            ] = item
                && keyword == "mod"
            {
                self.test_children.insert(name.clone());
            }
            at = item_end;
        }
        kept
    }
}

/// Keywords before the name of a definition.
const ITEMS: &[&str] = &[
    "fn",
    "struct",
    "enum",
    "trait",
    "type",
    "const",
    "static",
    "union",
    "macro_rules",
];

/// Returns true unless `use` is part of `impl Trait + use<'a>`.
fn is_declaration(tokens: &[Token], at: usize) -> bool {
    tokens.get(at + 1) != Some(&Token::Mark('<'))
}

/// Returns true if `pub` or `pub(…)` is in front of a token.
fn is_public(tokens: &[Token], at: usize) -> bool {
    let before = &tokens[..at];
    match before.last() {
        Some(Token::Mark(')')) => {
            let open = before.iter().rposition(|token| *token == Token::Mark('('));
            open.is_some_and(|open| open > 0 && before[open - 1].is("pub"))
        }
        Some(token) => token.is("pub"),
        None => false,
    }
}

/// Reads a tree of a `use` declaration: `a::{b, c as d, e::*}`. Returns the position after it.
fn import_tree(
    tokens: &[Token],
    mut at: usize,
    prefix: &[String],
    imports: &mut Vec<(Vec<String>, String)>,
) -> usize {
    let mut path = prefix.to_vec();
    let mut name = None;
    loop {
        match tokens.get(at) {
            Some(Token::Word(word)) if word == "as" => {
                name = tokens.get(at + 1).and_then(Token::word).map(str::to_owned);
                at += 2;
            }
            Some(Token::Word(word)) => {
                // `{self}` names the prefix.
                if word != "self" || path.is_empty() {
                    path.push(word.clone());
                }
                at += 1;
            }
            Some(Token::Separator) => at += 1,
            Some(Token::Mark('*')) => {
                name = Some("*".to_owned());
                at += 1;
            }
            Some(Token::Mark('{')) => {
                at += 1;
                while tokens.get(at) != Some(&Token::Mark('}')) {
                    at = import_tree(tokens, at, &path, imports);
                    if tokens.get(at) == Some(&Token::Mark(',')) {
                        at += 1;
                    }
                }
                return at + 1;
            }
            _ => break,
        }
    }
    let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
    imports.push((path, name));
    at
}

/// Returns the position after the attribute that begins at a token; `None` if none does.
fn attribute_end(tokens: &[Token], at: usize) -> Option<usize> {
    let opens = tokens.get(at) == Some(&Token::Mark('#'));
    let opens = opens && tokens.get(at + 1) == Some(&Token::Mark('['));
    opens.then(|| group_end(tokens, at + 1))
}

fn is_for_tests(attribute: &[Token]) -> bool {
    let has = |word: &str| attribute.iter().any(|token| token.is(word));
    has("cfg") && has("test") && !has("any") && !has("not")
}

/// Returns the position after the bracket that closes the one at `at`.
fn group_end(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (position, token) in tokens.iter().enumerate().skip(at) {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return position + 1;
        }
    }
    tokens.len()
}

/// Returns the position after an item, a statement, a field or an argument.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    let is_item = |token: &Token| {
        let is_keyword =
            |word: &str| ITEMS.contains(&word) || ["mod", "use", "impl"].contains(&word);
        token
            .word()
            .is_some_and(|word| word != "type" && is_keyword(word))
    };
    let is_item = tokens[at..].iter().take(6).any(is_item);
    let is_use = tokens[at..].iter().take(6).any(|token| token.is("use"));
    while at < tokens.len() {
        match tokens[at] {
            Token::Mark(';') => return at + 1,
            Token::Mark(',') if !is_item => return at + 1,
            Token::Mark('{') if !is_use => return group_end(tokens, at),
            Token::Mark('(' | '[' | '{') => at = group_end(tokens, at),
            Token::Mark(')' | ']' | '}') => return at,
            _ => at += 1,
        }
    }
    at
}

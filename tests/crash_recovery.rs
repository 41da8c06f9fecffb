//! Acknowledged edits survive a crash at any time: processes are killed at random moments, several
//! at once, and the catalogue and its index are compared with the expected state. `BTSINDEX_ROUNDS`
//! sets the number of rounds; `scripts/endurance` runs the long form.

#![cfg(unix)]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use crate::shoot::{Dice, Shoot, SlowTools, number};
use btsindex::clip::{Action, Edit, EditContent};
use btsindex::value::Fingerprint;
use serde_json::{Value, json};

/// Rounds of each kind, unless `BTSINDEX_ROUNDS` sets another number.
const ROUNDS: u64 = 6;

/// Edits of one command, and whether the command acknowledged them.
struct CommandRecord {
    author: String,
    /// As in the journal; empty for an undo.
    actions: Vec<Value>,
    is_acknowledged: bool,
    is_undo: bool,
}

/// Number of events of each kind.
#[derive(Default, Debug)]
struct Counts {
    rounds: usize,
    killed_scans: usize,
    killed_rebuilds: usize,
    killed_edits: usize,
    ended_before_the_kill: usize,
    acknowledged: usize,
    unacknowledged_but_stored: usize,
    unacknowledged_and_absent: usize,
}

/// Catalogue that is used for the whole run, and its expected content.
struct EnduranceRun {
    shoot: Shoot,
    clips: Vec<String>,
    commands: Vec<CommandRecord>,
    counts: Counts,
    added: u64,
}

/// Waits, then kills the process if it still runs. Returns its output and whether it was killed.
fn kill_after(mut child: Child, wait: Duration) -> (Output, bool) {
    thread::sleep(wait);
    let is_running = child.try_wait().unwrap().is_none();
    if is_running {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let is_killed = is_running && output.status.code().is_none();
    (output, is_killed)
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Random wait of at most `limit`; often too short for the command.
fn random_wait(dice: &mut Dice, limit: Duration) -> Duration {
    let micros = u64::try_from(limit.as_micros()).unwrap();
    Duration::from_micros(dice.below(micros))
}

/// Journal of three edits by one author, as another machine exports it.
fn foreign_journal(clips: &[String], author: &str, text: &str) -> (String, Vec<Value>) {
    let mut lines = String::new();
    let mut actions = Vec::new();
    for number in 0..3_i64 {
        let action = Action::Note(format!("{text} {number}"));
        actions.push(serde_json::to_value(&action).unwrap());
        let edit = Edit::new(EditContent {
            clip: clips[0].parse().unwrap(),
            clock: 1_700_000_000_000_000 + number,
            at: 1_700_000_000_000_000,
            author: author.to_owned(),
            batch: Fingerprint(7),
            action,
        });
        lines.push_str(&edit.to_line());
        lines.push('\n');
    }
    (lines, actions)
}

/// Runs edit commands of one user on one machine one after the other, and kills some.
fn run_edit_command(
    shoot: &Shoot,
    clips: &[String],
    author: &str,
    commands: usize,
    mut dice: Dice,
) -> (Vec<CommandRecord>, usize) {
    let mut records = Vec::new();
    let mut killed = 0;
    for number in 0..commands {
        let clip = &clips[usize::try_from(dice.below(clips.len() as u64)).unwrap()];
        let text = format!("{author} {number}");
        let mut command = shoot.command();
        let mut is_undo = false;
        let acknowledgement;
        let actions = match dice.below(7) {
            0 => {
                command.args(["tag", "add", &format!("{text} a,{text} b"), clip]);
                acknowledgement = "added to 1 clip";
                let kept = text.replace(' ', "-");
                vec![
                    json!({"add-tag": format!("{kept}-a")}),
                    json!({"add-tag": format!("{kept}-b")}),
                ]
            }
            1 => {
                command.args(["note", &text, clip]);
                acknowledgement = "note added to 1 clip";
                vec![json!({"note": text})]
            }
            2 => {
                let stars = dice.below(6);
                command.args(["stars", &stars.to_string(), clip]);
                acknowledgement = match stars {
                    0 => "rating cleared on 1 clip",
                    _ => "given to 1 clip",
                };
                vec![json!({"stars": stars})]
            }
            3 => {
                command.args(["select", clip]);
                acknowledgement = "1 clip selected";
                vec![json!({"select": "selected"})]
            }
            4 => {
                command.args(["mark", "0.25s", &text, clip]);
                acknowledgement = "1 clip marked";
                vec![json!({"mark": text})]
            }
            5 => {
                is_undo = true;
                command.arg("undo");
                acknowledgement = "undid";
                Vec::new()
            }
            _ => {
                let (lines, actions) = foreign_journal(clips, author, &text);
                let path = shoot.folder("journals").join(format!("{text}.ndjson"));
                fs::write(&path, lines).unwrap();
                command.args(["edits", "import"]).arg(path);
                acknowledgement = "3 edits imported";
                actions
            }
        };
        command.env("BTSINDEX_AUTHOR", author);
        // One in three is not killed.
        let wait = if dice.below(3) == 0 {
            Duration::from_secs(60)
        } else {
            random_wait(&mut dice, typical_edit_time() * 3)
        };
        let begun = Instant::now();
        let mut child = start(command);
        while begun.elapsed() < wait && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_micros(300));
        }
        let (output, is_killed) = kill_after(child, Duration::ZERO);
        killed += usize::from(is_killed);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_known = stdout.contains("1 clip unchanged");
        let is_without_effect = stdout.contains("nothing to undo") || is_known;
        assert!(
            is_killed || is_without_effect || stdout.contains(acknowledgement),
            "{text}: {stdout}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        if !is_without_effect {
            records.push(CommandRecord {
                author: author.to_owned(),
                actions,
                is_acknowledged: stdout.contains(acknowledgement) || output.status.success(),
                is_undo,
            });
        }
    }
    (records, killed)
}

/// Typical duration of an edit on this machine.
fn typical_edit_time() -> Duration {
    static TYPICAL_EDIT_TIME: OnceLock<Duration> = OnceLock::new();
    *TYPICAL_EDIT_TIME.get_or_init(|| {
        let shoot = Shoot::new();
        shoot.add(
            "Studio Session - Night Owls/Day2/Sound/SC01T03.WAV",
            "a.wav",
        );
        shoot.scan();
        let begun = Instant::now();
        for number in 0..4 {
            let note = format!("note {number}");
            assert_eq!(shoot.run(&["note", &note, "a.wav"]).code, 0);
        }
        begun.elapsed() / 4
    })
}

/// Action without the values that differ between clips.
fn without_details(action: &Value) -> Value {
    match action.get("mark") {
        Some(mark) => json!({"mark": mark["text"]}),
        None => action.clone(),
    }
}

impl EnduranceRun {
    fn new() -> Self {
        let shoot = Shoot::new();
        for fixture in ["old_tape.avi", "IMG_1234.MOV", "anamorphic_wide.mkv"] {
            shoot.add(&format!("Location Scout/{fixture}"), fixture);
        }
        shoot.add(
            "Studio Session - Night Owls/Day2/Sound/SC01T03.WAV",
            "SC01T03.WAV",
        );
        shoot.scan();
        let clips = shoot.clips();
        let clips = clips.iter().map(|clip| clip["id"].as_str().unwrap());
        Self {
            clips: clips.map(str::to_owned).collect(),
            shoot,
            commands: Vec::new(),
            counts: Counts::default(),
            added: 0,
        }
    }

    /// Adds footage, and removes or moves some.
    fn change_footage(&mut self, dice: &mut Dice) {
        for _ in 0..=dice.below(3) {
            self.added += 1;
            let name = format!("Day {}/C{:04}.avi", self.added / 8, self.added);
            let path = self.shoot.add("Location Scout/old_tape.avi", name);
            grow(&path, &self.added.to_le_bytes());
        }
        let some = 1 + dice.below(self.added);
        let path = self
            .shoot
            .footage()
            .join(format!("Day {}/C{some:04}.avi", some / 8));
        match dice.below(3) {
            0 if path.exists() => fs::remove_file(path).unwrap(),
            1 if path.exists() => fs::rename(&path, path.with_extension("moved.avi")).unwrap(),
            2 if path.exists() => grow(&path, b"another take"),
            _ => {}
        }
    }

    /// One round: edits from several processes during a scan or a rebuild that is killed.
    fn round(&mut self, kind: &str, round: u64, whole: Duration) {
        let seed = round * 1000 + u64::from(kind.as_bytes()[0]);
        let mut dice = Dice::new(seed);
        eprintln!("{kind}, round {round}: seed {seed}");
        let mut victim = None;
        if kind == "scan" {
            self.change_footage(&mut dice);
            let mut command = self.shoot.command();
            command
                .args(["scan", "--json", "--strip", "2"])
                .arg(self.shoot.footage());
            victim = Some(command);
        } else if kind == "rebuild" {
            let mut command = self.shoot.command();
            command.arg("rebuild");
            if dice.below(2) == 0 {
                command.arg("--no-pictures");
            } else {
                let _ = fs::remove_dir_all(self.shoot.catalogue().join("posters"));
            }
            victim = Some(command);
        }
        let wait = random_wait(&mut dice, whole);
        let (shoot, clips) = (&self.shoot, &self.clips);
        let people = if kind == "edit" { 4 } else { 2 };
        let (commands, killed) = thread::scope(|scope| {
            let people: Vec<_> = (0..people)
                .map(|person| {
                    let author = format!("{kind}-{round}-{person}");
                    let dice = Dice::new(seed * 10 + person);
                    scope.spawn(move || run_edit_command(shoot, clips, &author, 3, dice))
                })
                .collect();
            let killed = victim.map(|command| kill_after(start(command), wait).1);
            let commands: Vec<_> = people.into_iter().map(|it| it.join().unwrap()).collect();
            (commands, killed)
        });
        for (commands, killed) in commands {
            self.commands.extend(commands);
            self.counts.killed_edits += killed;
        }
        match (kind, killed) {
            ("scan", Some(true)) => self.counts.killed_scans += 1,
            ("rebuild", Some(true)) => self.counts.killed_rebuilds += 1,
            (_, Some(false)) => self.counts.ended_before_the_kill += 1,
            _ => {}
        }
        self.counts.rounds += 1;
        let about = format!("{kind}, round {round}, seed {seed}");
        assert_well_after_search(&self.shoot, &about);
        self.compare(&about);
    }

    /// Checks that the journal holds all acknowledged edits, whole commands only, and nothing else.
    fn compare(&mut self, about: &str) {
        let mut recorded: HashMap<(String, String), usize> = HashMap::new();
        let mut standing: HashMap<String, Vec<(Value, Value)>> = HashMap::new();
        let mut undone: HashMap<String, usize> = HashMap::new();
        for edit in self.shoot.run(&["edits", "export"]).json() {
            let author = edit["author"].as_str().unwrap().to_owned();
            let own = standing.entry(author.clone()).or_default();
            if let Some(target) = edit["action"].get("undo") {
                // Each reverts an active edit of the same author.
                let place = own.iter().position(|(id, _)| id == target);
                own.remove(place.unwrap_or_else(|| panic!("{about}: {edit}")));
                *undone.entry(author).or_default() += 1;
                continue;
            }
            own.push((edit["edit"].clone(), edit["batch"].clone()));
            *recorded
                .entry((author, without_details(&edit["action"]).to_string()))
                .or_default() += 1;
        }
        let mut counts = (0, 0, 0);
        // The same rating may be given twice: acknowledged edits are matched first.
        let words = self.commands.iter().filter(|command| !command.is_undo);
        let (sure, unsure): (Vec<_>, Vec<_>) = words.partition(|command| command.is_acknowledged);
        for command in sure.into_iter().chain(unsure) {
            let mut is_there = command.actions.iter().map(|action| {
                let key = (command.author.clone(), action.to_string());
                let count = recorded.get_mut(&key).filter(|count| **count > 0);
                count.map(|count| *count -= 1).is_some()
            });
            let first = is_there.next().unwrap();
            assert!(
                is_there.all(|other| other == first),
                "{about}: only a part of {:?} was stored",
                command.actions
            );
            assert!(
                first || !command.is_acknowledged,
                "{about}: {:?} of {} was acknowledged, and is lost",
                command.actions,
                command.author
            );
            match (command.is_acknowledged, first) {
                (true, _) => counts.0 += 1,
                (false, true) => counts.1 += 1,
                (false, false) => counts.2 += 1,
            }
        }
        let unexpected: Vec<_> = recorded.iter().filter(|(_, count)| **count > 0).collect();
        assert!(
            unexpected.is_empty(),
            "{about}: unexpected edits: {unexpected:?}"
        );
        for (author, undone) in undone {
            let by = |command: &&CommandRecord| command.is_undo && command.author == author;
            assert!(undone > 0 && self.commands.iter().any(|command| by(&command)));
        }
        for command in self.commands.iter().filter(|it| it.is_undo) {
            counts.0 += usize::from(command.is_acknowledged);
        }
        self.counts.acknowledged = counts.0;
        self.counts.unacknowledged_but_stored = counts.1;
        self.counts.unacknowledged_and_absent = counts.2;
    }
}

/// Appends to a file, which makes it different content.
fn grow(path: &Path, bytes: &[u8]) {
    let whole = [fs::read(path).unwrap(), bytes.to_vec()].concat();
    fs::write(path, whole).unwrap();
    crate::shoot::set_modified(path, 1_779_278_400);
}

/// Checks that the catalogue is sound and that the index equals it after a search.
fn assert_well_after_search(shoot: &Shoot, about: &str) {
    let search = shoot.run(&["search", "avi"]);
    assert!([0, 4].contains(&search.code), "{about}: {}", search.stderr);
    shoot.assert_consistent(about);
}

/// Checks that a completed scan leaves no temporary files.
fn assert_no_leftovers(shoot: &Shoot, about: &str) {
    for entry in walkdir::WalkDir::new(shoot.catalogue()) {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_stale = [".tmp", "index.new", "index.old", ".btsindex"]
            .iter()
            .any(|begin| name.starts_with(begin));
        assert!(
            !is_stale && !name.ends_with("-journal"),
            "{about}: {}",
            entry.path().display()
        );
    }
}

#[test]
fn acknowledged_edits_survive_processes_killed_at_random() {
    let mut run = EnduranceRun::new();
    let begun = Instant::now();
    run.change_footage(&mut Dice::new(1));
    run.shoot.scan();
    let whole = begun.elapsed();
    let begun = Instant::now();
    assert_eq!(run.shoot.run(&["rebuild"]).code, 0);
    let rebuild = begun.elapsed();
    let rounds = number("BTSINDEX_ROUNDS", ROUNDS);
    for round in 0..rounds {
        run.round("scan", round, whole);
        run.round("edit", round, whole);
        run.round("rebuild", round, rebuild);
        if round % 5 == 4 || round + 1 == rounds {
            let about = format!("after round {round}");
            assert_eq!(run.shoot.scan().code, 0);
            assert_no_leftovers(&run.shoot, &about);
            assert_well_after_search(&run.shoot, &about);
            run.compare(&about);
        }
    }
    eprintln!("one catalogue: {:?}", run.counts);
}

#[test]
fn a_killed_first_scan_leaves_no_catalogue_or_a_complete_one() {
    let clean = Shoot::new();
    let add = |shoot: &Shoot| {
        shoot.add("Location Scout/old_tape.avi", "a.avi");
        shoot.add("Location Scout/IMG_1234.MOV", "b.mov");
    };
    add(&clean);
    let begun = Instant::now();
    clean.scan();
    let whole = begun.elapsed();
    let expected: Vec<_> = clean.clips().iter().map(|it| it["id"].clone()).collect();
    let id = expected[0].as_str().unwrap().to_owned();
    let rounds = number("BTSINDEX_ROUNDS", ROUNDS);
    let (mut killed, mut kept) = (0, 0);
    for round in 0..rounds {
        let mut dice = Dice::new(round + 77);
        let about = format!("round {round}, seed {}", round + 77);
        let shoot = Shoot::new();
        add(&shoot);
        let (lines, _) = foreign_journal(std::slice::from_ref(&id), "ben", &about);
        let journal = shoot.folder("journals").join("ben.ndjson");
        fs::write(&journal, lines).unwrap();
        let mut scan = shoot.command();
        scan.args(["scan", "--strip", "2"]).arg(shoot.footage());
        let mut import = shoot.command();
        import.args(["edits", "import"]).arg(&journal);
        // Half of them are killed while the catalogue is created.
        let limit = if round % 2 == 0 {
            typical_edit_time()
        } else {
            whole
        };
        let (first, second) = (
            random_wait(&mut dice, limit),
            random_wait(&mut dice, typical_edit_time() * 2),
        );
        let (scan, import) = thread::scope(|scope| {
            let scan = scope.spawn(|| kill_after(start(scan), first).1);
            let import = kill_after(start(import), second);
            (scan.join().unwrap(), import)
        });
        killed += usize::from(scan) + usize::from(import.1);
        let stdout = String::from_utf8_lossy(&import.0.stdout).into_owned();
        assert!(
            import.1 || stdout.contains("imported"),
            "{about}: {}",
            String::from_utf8_lossy(&import.0.stderr)
        );
        shoot.assert_catalogue_sound(&about);
        let scanned = shoot.scan_facts();
        assert_eq!(scanned.code, 0, "{about}: {}", scanned.stderr);
        assert_well_after_search(&shoot, &about);
        assert_no_leftovers(&shoot, &about);
        let clips: Vec<_> = shoot.clips().iter().map(|it| it["id"].clone()).collect();
        assert_eq!(clips, expected, "{about}");
        let edits = shoot.run(&["edits", "export"]).json().len();
        assert!([0, 3].contains(&edits), "{about}: {edits} of 3 edits");
        assert!(edits == 3 || !stdout.contains("imported"), "{about}");
        kept += edits / 3;
    }
    eprintln!("fresh catalogues: {rounds} rounds, {killed} killed, {kept} journals imported");
}

/// Adds recordings of different lengths: each is a separate clip, and each waits for ffmpeg.
fn add_clips(shoot: &Shoot, clips: u64) {
    for number in 0..clips {
        let path = shoot.add(
            "Location Scout/old_tape.avi",
            format!("Day {}/T{number:04}.avi", number / 100),
        );
        grow(&path, &number.to_le_bytes());
    }
}

#[test]
fn edits_made_during_a_scan_are_found_by_the_next_search() {
    let shoot = Shoot::new();
    shoot.add(
        "Studio Session - Night Owls/Day2/Sound/SC01T03.WAV",
        "A first/SC01T03.WAV",
    );
    shoot.scan();
    add_clips(&shoot, number("BTSINDEX_CLIPS", 16).min(3000));
    let tools = SlowTools::new(&shoot, "sleep 0.05");
    let mut scan = tools.scan(&shoot);
    let mut second = tools.scan(&shoot);
    let (mut edits, mut slowest) = (0, Duration::ZERO);
    while scan.try_wait().unwrap().is_none() || second.try_wait().unwrap().is_none() {
        edits += 1;
        let tag = format!("added-{edits}");
        let begun = Instant::now();
        let answer = shoot.run(&["tag", "add", &tag, "SC01T03.WAV"]);
        slowest = slowest.max(begun.elapsed());
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        let found = shoot.run(&["search", "--json", &format!("tag:{tag}")]);
        assert_eq!(found.code, 0, "edit {edits}: {}", found.stderr);
        assert!(!found.stderr.contains("damaged"), "{}", found.stderr);
        assert_eq!(found.json()[0]["name"], "SC01T03.WAV");
        if edits % 4 == 0 {
            let undo = shoot.run(&["undo"]);
            assert_eq!(undo.code, 0, "{}", undo.stderr);
            let gone = shoot.run(&["search", &format!("tag:{tag}")]);
            assert_eq!(gone.code, 4, "edit {edits}: {}", gone.stdout);
        }
    }
    // A user waiting for a response would have given up long before.
    assert!(slowest < Duration::from_secs(20), "{slowest:?}");
    assert!(edits >= 3, "the scan was over after {edits} edits");
    assert_eq!(scan.wait().unwrap().code(), Some(0));
    assert_eq!(second.wait().unwrap().code(), Some(0));
    let tags = shoot.clip("SC01T03.WAV")["tags"].clone();
    let added = tags.as_array().unwrap().iter();
    let added = added.filter(|tag| tag.as_str().unwrap().starts_with("added-"));
    assert_eq!(added.count(), edits - edits / 4);
    assert_well_after_search(&shoot, "after the scans");
    assert_no_leftovers(&shoot, "after the scans");
    let counts = shoot.scan_counts(&[]);
    assert_eq!(counts["unchanged"], counts["found"], "{counts}");
    eprintln!("{edits} edits during two scans, the slowest took {slowest:?}");
}

#[test]
fn forgetting_a_volume_waits_for_the_running_scan() {
    let shoot = Shoot::new();
    add_clips(&shoot, 2);
    shoot.scan();
    assert_eq!(shoot.run(&["note", "kept", "T0000.avi"]).code, 0);
    let label = shoot.run(&["volumes", "--json"]).json()[0]["volume"].clone();
    add_clips(&shoot, 4);
    let tools = SlowTools::new(&shoot, "while [ ! -e \"${0%/*}/go\" ]; do sleep 0.05; done");
    let mut scan = tools.scan(&shoot);
    let end = Instant::now() + Duration::from_secs(30);
    while shoot.run(&["search", "t0003"]).code != 0 {
        assert!(Instant::now() < end, "the scan never reached the file");
    }
    let mut command = shoot.command();
    command.args(["volumes", "forget", label.as_str().unwrap(), "--yes"]);
    let mut forget = start(command);
    let mut talk = BufReader::new(forget.stderr.take().unwrap());
    let waiting = format!("another btsindex is running (process {} (scan))", scan.id());
    let mut line = String::new();
    while !line.contains(&waiting) {
        line.clear();
        assert!(talk.read_line(&mut line).unwrap() > 0, "it did not wait");
    }
    // The waiting command does not block others.
    assert_eq!(shoot.run(&["note", "meanwhile", "T0001.avi"]).code, 0);
    assert!(forget.try_wait().unwrap().is_none() && scan.try_wait().unwrap().is_none());
    fs::write(shoot.folder("slow-tools").join("go"), "").unwrap();
    assert_eq!(scan.wait().unwrap().code(), Some(0));
    assert_eq!(forget.wait().unwrap().code(), Some(0));
    assert_eq!(shoot.clips().len(), 0);
    assert_well_after_search(&shoot, "forgotten");
    assert_eq!(shoot.run(&["edits", "export"]).json().len(), 2);
    let counts = shoot.scan_counts(&["--no-pictures"]);
    assert_eq!(counts["recognised"], 4, "{counts}");
    assert_eq!(shoot.search_names(&["notes:kept"]), ["T0000.avi"]);
    assert_eq!(shoot.search_names(&["notes:meanwhile"]), ["T0001.avi"]);
}

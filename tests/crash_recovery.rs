//! Acknowledged edits survive a crash at any time: processes are killed at random points, several at
//! once, and the catalogue and its index are compared with the expected state. `BTSINDEX_ROUNDS`
//! sets the number of rounds; `scripts/endurance` runs the long form.

#![cfg(unix)]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use crate::shoot::kill::KillableCommand;
use crate::shoot::{Answer, Dice, Shoot, SlowTools, number, wait_until};
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

/// Runs a command to its end and returns the bytes it wrote.
fn measure(shoot: &Shoot, command: Command) -> u64 {
    let (answer, written) = KillableCommand::start(shoot, command).measure();
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    written
}

/// Kills a command once it has written `bytes` bytes. Returns its output and whether it was killed
/// before its end.
fn run_and_kill(shoot: &Shoot, command: Command, bytes: u64) -> (Answer, bool) {
    KillableCommand::start(shoot, command).kill_after_writing(bytes)
}

/// Command that scans the footage and makes short filmstrips.
fn scan_command(shoot: &Shoot) -> Command {
    let mut command = shoot.command();
    command
        .args(["scan", "--json", "--strip", "2"])
        .arg(shoot.footage());
    command
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
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
        let limit = if dice.below(3) == 0 {
            u64::MAX
        } else {
            dice.below(bytes_of_an_edit() * 5 / 4)
        };
        let (answer, is_killed) = run_and_kill(shoot, command, limit);
        killed += usize::from(is_killed);
        let stdout = answer.stdout;
        let is_known = stdout.contains("1 clip unchanged");
        let is_without_effect = stdout.contains("nothing to undo") || is_known;
        assert!(
            is_killed || is_without_effect || stdout.contains(acknowledgement),
            "{text}: {stdout}{}",
            answer.stderr
        );
        if !is_without_effect {
            records.push(CommandRecord {
                author: author.to_owned(),
                actions,
                is_acknowledged: stdout.contains(acknowledgement) || answer.code == 0,
                is_undo,
            });
        }
    }
    (records, killed)
}

/// Bytes that a command writes for one edit.
fn bytes_of_an_edit() -> u64 {
    static BYTES: OnceLock<u64> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let shoot = Shoot::new();
        shoot.add(
            "Studio Session - Night Owls/Day2/Sound/SC01T03.WAV",
            "a.wav",
        );
        shoot.scan_facts();
        let mut command = shoot.command();
        command.args(["note", "measured", "a.wav"]);
        measure(&shoot, command)
    })
}

/// Bytes that an import into a new catalogue writes, most of them for the tables.
fn bytes_of_an_import() -> u64 {
    let shoot = Shoot::new();
    let (lines, _) = foreign_journal(&[format!("{:032x}", 1)], "ben", "measured");
    let journal = shoot.folder("journals").join("ben.ndjson");
    fs::write(&journal, lines).unwrap();
    let mut command = shoot.command();
    command.args(["edits", "import"]).arg(&journal);
    measure(&shoot, command)
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
    fn round(&mut self, kind: &str, round: u64, whole: u64) {
        let seed = round * 1000 + u64::from(kind.as_bytes()[0]);
        let mut dice = Dice::new(seed);
        eprintln!("{kind}, round {round}: seed {seed}");
        let mut victim = None;
        if kind == "scan" {
            self.change_footage(&mut dice);
            victim = Some(scan_command(&self.shoot));
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
        let limit = dice.below(whole);
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
            let killed = victim.map(|command| run_and_kill(shoot, command, limit).1);
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
    run.change_footage(&mut Dice::new(1));
    let scan = measure(&run.shoot, scan_command(&run.shoot));
    let mut rebuild = run.shoot.command();
    rebuild.arg("rebuild");
    let rebuild = measure(&run.shoot, rebuild);
    let rounds = number("BTSINDEX_ROUNDS", ROUNDS);
    for round in 0..rounds {
        run.round("scan", round, scan);
        run.round("edit", round, scan);
        run.round("rebuild", round, rebuild);
        if round % 5 == 4 || round + 1 == rounds {
            let about = format!("after round {round}");
            assert_eq!(run.shoot.scan().code, 0);
            assert_no_leftovers(&run.shoot, &about);
            assert_well_after_search(&run.shoot, &about);
            run.compare(&about);
        }
    }
    assert!(
        run.counts.killed_scans + run.counts.killed_rebuilds > 0 && run.counts.killed_edits > 0,
        "{:?}",
        run.counts
    );
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
    let whole = measure(&clean, scan_command(&clean));
    let empty = bytes_of_an_import();
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
        let scan = scan_command(&shoot);
        let mut import = shoot.command();
        import.args(["edits", "import"]).arg(&journal);
        // Half of them are killed while the catalogue is created.
        let limit = if round % 2 == 0 { empty } else { whole };
        let (first, second) = (dice.below(limit), dice.below(empty * 5 / 4));
        let (scan, (import, is_killed)) = thread::scope(|scope| {
            let scan = scope.spawn(|| run_and_kill(&shoot, scan, first).1);
            let import = run_and_kill(&shoot, import, second);
            (scan.join().unwrap(), import)
        });
        killed += usize::from(scan) + usize::from(is_killed);
        let stdout = import.stdout;
        assert!(
            is_killed || stdout.contains("imported"),
            "{about}: {}",
            import.stderr
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
    assert!(killed > 0);
    eprintln!("fresh catalogues: {rounds} rounds, {killed} killed, {kept} journals imported");
}

/// Command of slow tools that waits for [`release`].
const WAIT_FOR_GO: &str = "while [ ! -e \"${0%/*}/go\" ]; do sleep 0.05; done";

fn release(shoot: &Shoot) {
    fs::write(shoot.folder("slow-tools").join("go"), "").unwrap();
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
    let tools = SlowTools::new(&shoot, WAIT_FOR_GO);
    let mut scan = tools.scan(&shoot);
    let mut second = tools.scan(&shoot);
    let mut edits = 0;
    while scan.try_wait().unwrap().is_none() || second.try_wait().unwrap().is_none() {
        edits += 1;
        if edits == 4 {
            // The first edits did not wait for the scans, which could not end.
            release(&shoot);
        }
        let tag = format!("added-{edits}");
        let answer = shoot.run(&["tag", "add", &tag, "SC01T03.WAV"]);
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
    assert!(edits > 3, "the scans were over after {edits} edits");
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
}

#[test]
fn forgetting_a_volume_waits_for_the_running_scan() {
    let shoot = Shoot::new();
    add_clips(&shoot, 2);
    shoot.scan();
    assert_eq!(shoot.run(&["note", "kept", "T0000.avi"]).code, 0);
    let label = shoot.run(&["volumes", "--json"]).json()[0]["volume"].clone();
    add_clips(&shoot, 4);
    let tools = SlowTools::new(&shoot, WAIT_FOR_GO);
    let mut scan = tools.scan(&shoot);
    wait_until("the scan reaches the file", || {
        shoot.run(&["search", "t0003"]).code == 0
    });
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
    release(&shoot);
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

//! Scan of unchanged files, compared with `find`, which does the minimum that any scan needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Number of files per folder.
const FILES_PER_FOLDER: usize = 100;

/// Scans `files` known files, `rounds` times in turn with `find`, and prints the medians.
pub(crate) fn measure(files: usize, rounds: usize) {
    let tree = create_tree(files);
    let catalogue = tempfile::tempdir().unwrap();
    let scan = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_btsindex"));
        command.arg("--catalogue").arg(catalogue.path());
        command.args(["scan", "--no-pictures"]).arg(&tree);
        run_seconds(command)
    };
    let find = || {
        let mut command = Command::new("find");
        command.arg(&tree).args(["-printf", "%s %T@ %p\n"]);
        run_seconds(command)
    };
    println!("first scan  {:.1} s for {files} files", scan());
    let turns: Vec<(f64, f64)> = (0..rounds.max(1)).map(|_| (scan(), find())).collect();
    let (ours, theirs): (Vec<f64>, Vec<f64>) = turns.iter().copied().unzip();
    let ratios = turns.iter().map(|(ours, theirs)| ours / theirs).collect();
    println!("rescan      {:.2} s", median(ours));
    println!("find        {:.2} s", median(theirs));
    println!("ratio       {:.2}", median(ratios));
}

/// Runs a command and returns its duration in seconds.
fn run_seconds(mut command: Command) -> f64 {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.unwrap().success());
    start.elapsed().as_secs_f64()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Returns a folder of small sound files with different content. It is created once and kept.
fn create_tree(files: usize) -> PathBuf {
    let tree = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("known-{files}"));
    let done = tree.join(".done");
    if done.exists() {
        return tree;
    }
    for number in 0..files {
        let folder = number / FILES_PER_FOLDER;
        let folder = tree.join(format!(
            "day{:02}/card{:02}/CLIP",
            folder / 100,
            folder % 100
        ));
        if number % FILES_PER_FOLDER == 0 {
            fs::create_dir_all(&folder).unwrap();
        }
        let path = folder.join(format!("T{:04}.WAV", number % FILES_PER_FOLDER));
        fs::write(&path, wav_file(number as u64)).unwrap();
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_779_278_400);
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    fs::write(done, "").unwrap();
    tree
}

/// Returns a WAV file of 32 samples that repeat `number`.
fn wav_file(number: u64) -> Vec<u8> {
    let data = number.to_le_bytes().repeat(8);
    let size = u32::try_from(data.len()).unwrap();
    let mut wave = b"RIFF".to_vec();
    wave.extend((36 + size).to_le_bytes());
    wave.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data");
    wave.extend(size.to_le_bytes());
    wave.extend(data);
    wave
}

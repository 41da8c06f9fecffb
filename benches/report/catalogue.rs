//! Writes a catalogue of synthetic clips through the library, with a poster and a strip per clip.

use std::collections::HashMap;
use std::path::Path;

use btsindex::catalogue::{Catalogue, INDEX, ReadOutcome, Reading};
use btsindex::footage::Role;
use btsindex::media::StripIndex;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use crate::synthetic::{self, Random};

/// Number of different pictures; the clips use them in turn.
const SCENES: u64 = 60;
/// Size of a poster, as in a scan.
const POSTER: (u32, u32) = (480, 270);
const TILE: (u16, u16) = (240, 135);
const COLUMNS: usize = 4;
const TILES: usize = 8;
const QUALITY: u8 = 82;

/// Writes a catalogue. `grain` is the strength of the grain in the pictures, from 0 to 128.
pub(crate) fn write(folder: &Path, clips: u64, grain: i32) {
    let catalogue = Catalogue::create(folder).unwrap();
    let volume = catalogue.volumes().locate(Path::new("/")).0;
    let volume = catalogue.record_volume(&volume).unwrap().id;
    let mut folders = HashMap::new();
    catalogue.begin().unwrap();
    for number in 0..clips {
        let clip = synthetic::clip(number);
        let folder = *folders
            .entry(clip.folder.clone())
            .or_insert_with_key(|inside| catalogue.add_folder(volume, inside).unwrap());
        let file = catalogue
            .add_file(folder, &synthetic::found_file(&clip), Role::Media, None)
            .unwrap();
        let reading = Reading {
            sidecar_readers: None,
            file,
            fingerprint: Some(synthetic::fingerprint(number)),
            file_facts: serde_json::from_str(&clip.file_facts).unwrap(),
            outcome: ReadOutcome::Read {
                reader: btsindex::media::HeaderReader::IsoMedia.label(),
                facts: Box::new(serde_json::from_str(&clip.facts).unwrap()),
                pictures: None,
            },
        };
        catalogue.record(&reading).unwrap();
    }
    catalogue.commit().unwrap();
    write_pictures(&catalogue, clips, grain);
}

fn write_pictures(catalogue: &Catalogue, clips: u64, grain: i32) {
    let thumbnails = catalogue.thumbnails();
    let index = StripIndex {
        columns: COLUMNS,
        width: TILE.0,
        height: TILE.1,
        seconds: (0..TILES).map(|tile| tile as f64 * 1.5).collect(),
    };
    let index = serde_json::to_vec(&index).unwrap();
    let rows = TILES.div_ceil(COLUMNS) as u32;
    let scenes: Vec<(Vec<u8>, Vec<u8>)> = (0..SCENES.min(clips))
        .map(|scene| {
            let strip = (u32::from(TILE.0) * COLUMNS as u32, u32::from(TILE.1) * rows);
            (draw(POSTER, scene, grain), draw(strip, scene, grain))
        })
        .collect();
    for number in 0..clips {
        let (poster, strip) = &scenes[(number % SCENES) as usize];
        let id = synthetic::fingerprint(number);
        thumbnails.posters.save(id, "jpg", poster).unwrap();
        thumbnails.strips.save(id, "jpg", strip).unwrap();
        thumbnails.strips.write(id, INDEX, &index).unwrap();
    }
}

/// Draws clouds of several sizes, each half as strong as the next larger one, with grain over them,
/// as JPEG.
fn draw((width, height): (u32, u32), scene: u64, grain: i32) -> Vec<u8> {
    let mut random = Random(scene << 20);
    let mut noise =
        |count: usize| -> Vec<i32> { (0..count).map(|_| random.below(256) as i32 - 128).collect() };
    let layers: Vec<(u32, u32, Vec<i32>)> = (0..5)
        .map(|level| {
            let step = 128 >> level;
            let columns = width / step + 2;
            (
                step,
                columns,
                noise((columns * (height / step + 2) * 3) as usize),
            )
        })
        .collect();
    let grains = noise((width * height) as usize);
    let image = RgbImage::from_fn(width, height, |x, y| {
        let grain = grains[(y * width + x) as usize] * grain / 128;
        let colour = |channel: u32| {
            let clouds = layers
                .iter()
                .enumerate()
                .map(|(level, (step, columns, values))| {
                    let value = |column: u32, row: u32| {
                        values[((row * columns + column) * 3 + channel) as usize] as f32
                    };
                    let (column, row) = (x / step, y / step);
                    let (right, down) = (
                        (x % step) as f32 / *step as f32,
                        (y % step) as f32 / *step as f32,
                    );
                    let top = value(column, row) * (1.0 - right) + value(column + 1, row) * right;
                    let low =
                        value(column, row + 1) * (1.0 - right) + value(column + 1, row + 1) * right;
                    (top * (1.0 - down) + low * down) / (1 << level) as f32
                });
            (128.0 + clouds.sum::<f32>() * 0.6 + grain as f32).clamp(0.0, 255.0) as u8
        };
        image::Rgb([colour(0), colour(1), colour(2)])
    });
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode_image(&image)
        .unwrap();
    jpeg
}

//! Posters on a terminal: read from the catalogue's folder, made as large as there is room, and
//! drawn in whatever way the terminal knows. A picture that is no picture is left out.

use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;
use ratatui::widgets::Widget;
use ratatui_image::protocol::Protocol;
use ratatui_image::protocol::halfblocks::Halfblocks;
use ratatui_image::protocol::iterm2::Iterm2;
use ratatui_image::protocol::kitty::Kitty;
use ratatui_image::protocol::sixel::Sixel;
use ratatui_image::{FilterType, FontSize, Image, Resize};

use super::screen::{Colours, Graphics, Screen};
use crate::source_file;

/// No poster is longer on disk …
const MOST_BYTES: u64 = 16 << 20;
/// … or wider or higher …
const MOST_PIXELS: u32 = 8192;
/// … or takes more memory while it is decoded.
const MOST_MEMORY: u64 = 64 << 20;
/// Half blocks are thought of as square pixels, two in a character.
const BLOCK: FontSize = FontSize::new(1, 2);

/// A picture made for one terminal and one size.
pub struct Picture {
    protocol: Protocol,
    colours: Colours,
}

impl Picture {
    /// The picture in a file, as large as fits into `room`; `None` when there is no way to draw
    /// it, or the file is not a picture that a poster could be.
    #[must_use]
    pub fn read(path: &Path, room: Size, screen: Screen) -> Option<Self> {
        let graphics = screen.graphics?;
        if room.width == 0 || room.height == 0 {
            return None;
        }
        Self::make(&decoded(path)?, room, graphics, screen)
    }

    fn make(image: &DynamicImage, room: Size, graphics: Graphics, screen: Screen) -> Option<Self> {
        let resize = Resize::Scale(Some(FilterType::Triangle));
        let cell = if graphics == Graphics::Blocks {
            BLOCK
        } else {
            screen.cell
        };
        let size = resize.size_for(image, cell, room);
        let scaled = || resize.resize(image, cell, size, None);
        let protocol = match graphics {
            // Scaled while it is made into blocks.
            Graphics::Blocks => Protocol::Halfblocks(Halfblocks::new(image.clone(), size).ok()?),
            Graphics::Sixel => Protocol::Sixel(Sixel::new(scaled(), size, false).ok()?),
            Graphics::Iterm2 => Protocol::ITerm2(Iterm2::new(scaled(), size, false).ok()?),
            Graphics::Kitty => {
                Protocol::Kitty(Kitty::new(scaled(), size, next_id(), false, false).ok()?)
            }
        };
        Some(Self {
            protocol,
            colours: screen.colours,
        })
    }

    /// How many characters it takes.
    #[must_use]
    pub fn size(&self) -> Size {
        self.protocol.size()
    }

    /// Draws it into the upper left of an area.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        Image::new(&self.protocol).render(area, buffer);
        if matches!(self.protocol, Protocol::Halfblocks(_)) && self.colours != Colours::All {
            for position in area.intersection(buffer.area).positions() {
                if let Some(cell) = buffer.cell_mut(position) {
                    (cell.fg, cell.bg) = (indexed(cell.fg), indexed(cell.bg));
                }
            }
        }
    }
}

/// Reads a JPEG or WebP, and nothing that would take much memory.
#[must_use]
pub fn decoded(path: &Path) -> Option<DynamicImage> {
    let file = source_file::open(path).ok()?;
    let mut bytes = Vec::new();
    let mut limited = BufReader::new(file).take(MOST_BYTES);
    limited.read_to_end(&mut bytes).ok()?;
    let mut reader = ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    if !matches!(reader.format()?, ImageFormat::Jpeg | ImageFormat::WebP) {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_PIXELS);
    limits.max_image_height = Some(MOST_PIXELS);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let image = reader.decode().ok()?;
    (image.width() > 0 && image.height() > 0).then_some(image)
}

/// A number by which kitty knows a picture: another one for each, also of other processes on the
/// same terminal, as far as that goes.
fn next_id() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    (std::process::id() << 16).wrapping_add(number).max(1)
}

/// The nearest of the 256 colours, which are a cube of 6 × 6 × 6 and 24 greys.
fn indexed(colour: Color) -> Color {
    let Color::Rgb(red, green, blue) = colour else {
        return colour;
    };
    let step = |value: u8| match value {
        0..48 => 0_u8,
        48..115 => 1,
        _ => (value - 35) / 40,
    };
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    let off = |one: u8, other: u8| u32::from(one.abs_diff(other)).pow(2);
    let far = |(r, g, b): (u8, u8, u8)| off(r, red) + off(g, green) + off(b, blue);
    let (r, g, b) = (step(red), step(green), step(blue));
    let mean = ((u16::from(red) + u16::from(green) + u16::from(blue)) / 3).min(238);
    let grey = u8::try_from(mean.saturating_sub(3) / 10)
        .unwrap_or(23)
        .min(23);
    let tone = 8 + 10 * grey;
    if far((tone, tone, tone)) < far((level(r), level(g), level(b))) {
        Color::Indexed(232 + grey)
    } else {
        Color::Indexed(16 + 36 * r + 6 * g + b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn jpeg() -> Vec<u8> {
        let mut image = image::RgbImage::from_pixel(64, 36, image::Rgb([10, 10, 10]));
        for x in 0..32 {
            for y in 0..36 {
                image.put_pixel(x, y, image::Rgb([250, 200, 0]));
            }
        }
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    fn read(bytes: &[u8], graphics: Graphics, room: Size) -> Option<Picture> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let screen = Screen {
            graphics: Some(graphics),
            ..Screen::blocks(Colours::All)
        };
        Picture::read(file.path(), room, screen)
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_picture_and_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("a.jpg");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert!(decoded(&pipe).is_none());
    }

    #[test]
    fn a_poster_fits_its_room_in_every_way_of_drawing() {
        for graphics in [
            Graphics::Blocks,
            Graphics::Kitty,
            Graphics::Iterm2,
            Graphics::Sixel,
        ] {
            let picture = read(&jpeg(), graphics, Size::new(28, 8)).unwrap();
            assert_eq!(picture.size(), Size::new(28, 8), "{graphics:?}");
            let narrow = read(&jpeg(), graphics, Size::new(8, 20)).unwrap();
            assert!(
                narrow.size().width == 8 && narrow.size().height <= 3,
                "{graphics:?}"
            );
            let area = Rect::new(0, 0, 28, 8);
            let mut buffer = Buffer::empty(area);
            picture.draw(area, &mut buffer);
            let sign = match graphics {
                Graphics::Blocks => " ",
                Graphics::Kitty => "\x1b_G",
                Graphics::Iterm2 => "]1337;File=inline=1",
                Graphics::Sixel => "\x1bP",
            };
            assert!(buffer[(0, 0)].symbol().contains(sign), "{graphics:?}");
        }
    }

    #[test]
    fn colours_come_through_and_are_fewer_where_there_are_fewer() {
        let room = Rect::new(0, 0, 4, 2);
        let picture = read(&jpeg(), Graphics::Blocks, room.as_size()).unwrap();
        let mut buffer = Buffer::empty(room);
        picture.draw(room, &mut buffer);
        let Color::Rgb(red, _, blue) = buffer[(0, 0)].bg else {
            panic!("{:?}", buffer[(0, 0)]);
        };
        assert!(red > 200 && blue < 60);
        let few = Picture {
            colours: Colours::Indexed,
            ..picture
        };
        few.draw(room, &mut buffer);
        assert!(
            matches!(buffer[(0, 0)].bg, Color::Indexed(220)),
            "{:?}",
            buffer[(0, 0)]
        );
        assert_eq!(indexed(Color::Rgb(0, 0, 0)), Color::Indexed(16));
        assert_eq!(indexed(Color::Rgb(255, 255, 255)), Color::Indexed(231));
        assert_eq!(indexed(Color::Rgb(128, 128, 128)), Color::Indexed(244));
    }

    #[test]
    fn what_is_no_poster_is_left_out() {
        let room = Size::new(28, 8);
        assert!(read(b"", Graphics::Blocks, room).is_none());
        assert!(read(b"not a picture", Graphics::Blocks, room).is_none());
        assert!(read(&jpeg()[..200], Graphics::Blocks, room).is_none());
        assert!(read(&jpeg(), Graphics::Blocks, Size::new(0, 8)).is_none());
        let mut png = Cursor::new(Vec::new());
        let image = DynamicImage::new_rgb8(4, 4);
        image.write_to(&mut png, ImageFormat::Png).unwrap();
        assert!(read(png.get_ref(), Graphics::Blocks, room).is_none());
        assert!(Picture::read(Path::new("/nowhere"), room, Screen::blocks(Colours::All)).is_none());
    }

    #[test]
    fn a_picture_that_says_it_is_huge_is_not_believed() {
        let mut bytes = jpeg();
        // JPEG: the frame header (SOF0) holds precision, height and width.
        let at = bytes.windows(2).position(|it| it == [0xff, 0xc0]).unwrap();
        bytes[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
        assert!(read(&bytes, Graphics::Blocks, Size::new(28, 8)).is_none());
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(256))]

        #[test]
        fn damage_makes_no_panic(at in 0usize..600, byte in any::<u8>(), cut in 0usize..700) {
            let mut bytes = jpeg();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(cut.max(20));
            let _ = read(&bytes, Graphics::Blocks, Size::new(9, 3));
        }
    }
}

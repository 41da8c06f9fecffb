//! Posters on a terminal: scales and draws them with the terminal's graphics protocol.
//! Files that are not valid posters are skipped.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use image::DynamicImage;
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

use super::terminal_capabilities::{Colours, Graphics, Screen};
use crate::media::decode_picture;

/// Size of a character drawn as a half block: two square pixels, one above the other.
const BLOCK: FontSize = FontSize::new(1, 2);

/// Picture encoded for one terminal and one size.
pub struct TerminalPicture {
    protocol: Protocol,
    colours: Colours,
}

impl TerminalPicture {
    /// Reads a picture and scales it to fit into `room`, in characters. `None` if the terminal cannot
    /// draw pictures or the file is not a valid poster.
    #[must_use]
    pub fn read(path: &Path, room: Size, screen: Screen) -> Option<Self> {
        let graphics = screen.graphics?;
        if room.width == 0 || room.height == 0 {
            return None;
        }
        Self::scale(&decode_picture(path)?, room, graphics, screen)
    }

    fn scale(image: &DynamicImage, room: Size, graphics: Graphics, screen: Screen) -> Option<Self> {
        let resize = Resize::Scale(Some(FilterType::Triangle));
        let cell = if graphics == Graphics::Blocks {
            BLOCK
        } else {
            screen.cell
        };
        let size = resize.size_for(image, cell, room);
        let scaled = || resize.resize(image, cell, size, None);
        let protocol = match graphics {
            // Halfblocks scales by itself.
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

    /// Returns the size of the drawn picture in characters.
    #[must_use]
    pub fn size(&self) -> Size {
        self.protocol.size()
    }

    /// Draws the picture into the upper left corner of an area.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        Image::new(&self.protocol).render(area, buffer);
        if matches!(self.protocol, Protocol::Halfblocks(_)) && self.colours != Colours::All {
            for position in area.intersection(buffer.area).positions() {
                if let Some(cell) = buffer.cell_mut(position) {
                    (cell.fg, cell.bg) = (to_indexed(cell.fg), to_indexed(cell.bg));
                }
            }
        }
    }
}

/// Returns a new image id for the kitty protocol. Contains the process id, to avoid collisions with
/// other processes on the same terminal.
fn next_id() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    (std::process::id() << 16).wrapping_add(number).max(1)
}

/// Returns the nearest of the xterm palette's colours: a 6 × 6 × 6 colour cube and 24 greys.
fn to_indexed(colour: Color) -> Color {
    let Color::Rgb(red, green, blue) = colour else {
        return colour;
    };
    let step = |value: u8| match value {
        0..48 => 0_u8,
        48..115 => 1,
        _ => (value - 35) / 40,
    };
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    let squared = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    let distance = |(r, g, b): (u8, u8, u8)| squared(r, red) + squared(g, green) + squared(b, blue);
    let (r, g, b) = (step(red), step(green), step(blue));
    let mean = ((u16::from(red) + u16::from(green) + u16::from(blue)) / 3).min(238);
    let grey = u8::try_from(mean.saturating_sub(3) / 10)
        .unwrap_or(23)
        .min(23);
    let tone = 8 + 10 * grey;
    if distance((tone, tone, tone)) < distance((level(r), level(g), level(b))) {
        Color::Indexed(232 + grey)
    } else {
        Color::Indexed(16 + 36 * r + 6 * g + b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageFormat;
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

    fn read(bytes: &[u8], graphics: Graphics, room: Size) -> Option<TerminalPicture> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let screen = Screen {
            graphics: Some(graphics),
            ..Screen::blocks(Colours::All)
        };
        TerminalPicture::read(file.path(), room, screen)
    }

    #[test]
    fn scales_a_poster_to_its_space_with_every_protocol() {
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
            let prefix = match graphics {
                Graphics::Blocks => " ",
                Graphics::Kitty => "\x1b_G",
                Graphics::Iterm2 => "]1337;File=inline=1",
                Graphics::Sixel => "\x1bP",
            };
            assert!(buffer[(0, 0)].symbol().contains(prefix), "{graphics:?}");
        }
    }

    #[test]
    fn maps_colours_to_the_palette_of_the_terminal() {
        let room = Rect::new(0, 0, 4, 2);
        let picture = read(&jpeg(), Graphics::Blocks, room.as_size()).unwrap();
        let mut buffer = Buffer::empty(room);
        picture.draw(room, &mut buffer);
        let Color::Rgb(red, _, blue) = buffer[(0, 0)].bg else {
            panic!("{:?}", buffer[(0, 0)]);
        };
        assert!(red > 200 && blue < 60);
        let picture = TerminalPicture {
            colours: Colours::Indexed,
            ..picture
        };
        picture.draw(room, &mut buffer);
        assert!(
            matches!(buffer[(0, 0)].bg, Color::Indexed(220)),
            "{:?}",
            buffer[(0, 0)]
        );
        assert_eq!(to_indexed(Color::Rgb(0, 0, 0)), Color::Indexed(16));
        assert_eq!(to_indexed(Color::Rgb(255, 255, 255)), Color::Indexed(231));
        assert_eq!(to_indexed(Color::Rgb(128, 128, 128)), Color::Indexed(244));
    }

    #[test]
    fn skips_files_that_are_not_posters() {
        let room = Size::new(28, 8);
        assert!(read(b"", Graphics::Blocks, room).is_none());
        assert!(read(b"not a picture", Graphics::Blocks, room).is_none());
        assert!(read(&jpeg()[..200], Graphics::Blocks, room).is_none());
        assert!(read(&jpeg(), Graphics::Blocks, Size::new(0, 8)).is_none());
        let mut png = Cursor::new(Vec::new());
        let image = DynamicImage::new_rgb8(4, 4);
        image.write_to(&mut png, ImageFormat::Png).unwrap();
        assert!(read(png.get_ref(), Graphics::Blocks, room).is_none());
        assert!(
            TerminalPicture::read(Path::new("/nowhere"), room, Screen::blocks(Colours::All))
                .is_none()
        );
    }

    #[test]
    fn skips_a_picture_with_a_huge_declared_size() {
        let mut bytes = jpeg();
        // JPEG: the frame header (SOF0) holds precision, height and width.
        let at = bytes
            .windows(2)
            .position(|marker| marker == [0xff, 0xc0])
            .unwrap();
        bytes[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
        assert!(read(&bytes, Graphics::Blocks, Size::new(28, 8)).is_none());
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn a_damaged_picture_does_not_panic(at in 0usize..600, byte in any::<u8>(), cut in 0usize..700) {
            let mut bytes = jpeg();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(cut.max(20));
            let _ = read(&bytes, Graphics::Blocks, Size::new(9, 3));
        }
    }
}

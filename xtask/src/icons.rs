//! The app's icons, all made from one drawing.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{place, shell};

/// Pixel sizes of the PNG files; the larger ones are what the desktop's launchers show.
const SIZES: [u32; 7] = [16, 32, 48, 64, 128, 256, 512];

/// Sizes inside the Windows icon.
const ICO_SIZES: [u32; 4] = [16, 32, 48, 256];

/// Sizes inside the macOS icon, with the four letters that name each there.
const ICNS_SIZES: [(u32, &[u8; 4]); 3] = [(128, b"ic07"), (256, b"ic08"), (512, b"ic09")];

/// Draws `icons/ropeway.svg` in every size and packs the files that Windows and macOS want.
pub(crate) fn make() -> Result<()> {
    let folder = place::root().join("icons");
    let drawing = folder.join("ropeway.svg");
    if !shell::has("rsvg-convert") {
        bail!("rsvg-convert was not found; `cargo xtask setup` installs it (Debian: librsvg2-bin)");
    }
    for size in SIZES {
        draw(&drawing, &folder.join(format!("{size}x{size}.png")), size)?;
    }
    let picture = |size: u32| {
        let file = folder.join(format!("{size}x{size}.png"));
        fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
    };
    let ico = ICO_SIZES.iter().map(|size| Ok((*size, picture(*size)?))).collect::<Result<Vec<_>>>()?;
    fs::write(folder.join("icon.ico"), pack_ico(&ico)?)?;
    let icns = ICNS_SIZES.iter().map(|(size, kind)| Ok((*kind, picture(*size)?))).collect::<Result<Vec<_>>>()?;
    fs::write(folder.join("icon.icns"), pack_icns(&icns)?)?;
    Ok(())
}

fn draw(drawing: &Path, picture: &Path, size: u32) -> Result<()> {
    let size = size.to_string();
    let mut command = shell::command("rsvg-convert");
    shell::run(command.args(["-w", &size, "-h", &size, "-o"]).arg(picture).arg(drawing))
}

/// An `.ico` file: a header, one 16-byte entry a picture, then the PNG files as they are.
fn pack_ico(pictures: &[(u32, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut file = vec![0, 0, 1, 0];
    file.extend(u16::try_from(pictures.len())?.to_le_bytes());
    let mut offset = 6 + 16 * pictures.len();
    for (size, png) in pictures {
        // 256 does not fit into its byte and is written as 0.
        let side = u8::try_from(*size).unwrap_or(0);
        file.extend([side, side, 0, 0, 1, 0, 32, 0]);
        file.extend(u32::try_from(png.len())?.to_le_bytes());
        file.extend(u32::try_from(offset)?.to_le_bytes());
        offset += png.len();
    }
    file.extend(pictures.iter().flat_map(|(_, png)| png));
    Ok(file)
}

/// An `.icns` file: a header with the file's length, then each picture with its name and length.
fn pack_icns(pictures: &[(&[u8; 4], Vec<u8>)]) -> Result<Vec<u8>> {
    let length: usize = 8 + pictures.iter().map(|(_, png)| 8 + png.len()).sum::<usize>();
    let mut file = b"icns".to_vec();
    file.extend(u32::try_from(length)?.to_be_bytes());
    for (kind, png) in pictures {
        file.extend(*kind);
        file.extend(u32::try_from(8 + png.len())?.to_be_bytes());
        file.extend(png);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ico_points_at_each_of_its_pictures() {
        let file = pack_ico(&[(16, b"first".to_vec()), (256, b"second!".to_vec())]).unwrap();
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(file[..6], [0, 0, 1, 0, 2, 0]);
        assert_eq!((file[6], file[22]), (16, 0), "256 pixels are written as 0");
        assert_eq!(&file[word(18)..word(18) + word(14)], b"first");
        assert_eq!(&file[word(34)..word(34) + word(30)], b"second!");
    }

    #[test]
    fn an_icns_says_how_long_it_is() {
        let file = pack_icns(&[(b"ic07", b"png".to_vec())]).unwrap();
        assert_eq!(file, b"icns\0\0\0\x13ic07\0\0\0\x0bpng");
    }
}

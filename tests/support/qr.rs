//! QR codes, read by a decoder.

/// Decodes a QR code from an SVG of dark rectangles.
pub fn decoded(svg: &str) -> String {
    let number = |text: &str| text.parse::<usize>().unwrap();
    let (_, rest) = svg.split_once("viewBox=\"0 0 ").unwrap();
    let side = number(rest.split_once(' ').unwrap().0);
    let (_, path) = svg.split_once(" d=\"").unwrap();
    let path = path.split_once('"').unwrap().0;
    let mut is_dark = vec![vec![false; side]; side];
    // A path is M{left} {top}h{width}v{height}H{left}V{top}.
    for rectangle in path.split('M').skip(1) {
        let (left, rest) = rectangle.split_once(' ').unwrap();
        let (top, rest) = rest.split_once('h').unwrap();
        let (width, rest) = rest.split_once('v').unwrap();
        let height = rest.split_once('H').unwrap().0;
        let (left, top) = (number(left), number(top));
        for row in &mut is_dark[top..top + number(height)] {
            row[left..left + number(width)].fill(true);
        }
    }
    let grey = |x: usize, y: usize| if is_dark[y][x] { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, grey);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

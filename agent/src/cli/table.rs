//! PURE: columns of text within [`WIDTH`] columns of the screen.
//!
//! A table grows with its rows: widths come from the first rows, and when a later one needs more the widths change from there on,
//! so that a table of any length is printed as it arrives. What does not fit is wrapped within its column; nothing
//! is cut off, and an address, a prefix or a number stays in one piece: where it is wider than its column, the rest of the row
//! goes on beneath. Where nobody looks on (a file, a pipe) a row is one line, however long. Text from the network loses its control characters, so that no neighbour writes to a terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use super::wrap::{breadth, widest_solid, wrap};

/// Columns of the screen that a line may take.
pub const WIDTH: usize = 100;
/// Space between two columns.
const GAP: usize = 2;

/// Whether a terminal is to have colours: it has them, and `NO_COLOR` is not set.
fn colour_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Where output goes, how wide that is, and whether it may be coloured.
#[derive(Debug)]
pub struct Screen<W> {
    /// Where it goes.
    pub out: W,
    width: usize,
    colour: bool,
}

impl<W: Write> Screen<W> {
    /// A screen.
    pub fn new(out: W, colour: bool) -> Self {
        Self {
            out,
            width: WIDTH,
            colour,
        }
    }

    /// Standard output: of a terminal a screen, else lines of any length for the next program.
    pub fn standard_output(out: W) -> Self {
        match io::stdout().is_terminal() {
            true => Self::new(out, colour_wanted()),
            false => Self::endless(out),
        }
    }

    /// Lines of any length, in which nothing is wrapped.
    pub fn endless(out: W) -> Self {
        Self {
            out,
            width: usize::MAX,
            colour: false,
        }
    }

    /// A line as it is, wrapped if it is too long, with everything after the first line indented.
    pub fn line(&mut self, indent: usize, text: &str) -> io::Result<()> {
        self.styled_line(indent, text, Style::Plain)
    }

    /// The same in a style.
    pub fn styled_line(&mut self, indent: usize, text: &str, style: Style) -> io::Result<()> {
        let text = printable(text);
        for (n, piece) in wrap(&text, self.width - indent - 2).into_iter().enumerate() {
            let indent = if n == 0 { indent } else { indent + 2 };
            write!(self.out, "{:indent$}", "")?;
            self.styled(piece, style)?;
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// An empty line.
    pub fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A name and what belongs to it; long text is wrapped beside the name. Nothing for empty text.
    pub fn fact(&mut self, indent: usize, name: &str, text: &str) -> io::Result<()> {
        self.styled_fact(indent, name, text, Style::Plain)
    }

    /// The same in a style.
    pub fn styled_fact(
        &mut self,
        indent: usize,
        name: &str,
        text: &str,
        style: Style,
    ) -> io::Result<()> {
        const NAME: usize = 21;
        if text.is_empty() {
            return Ok(());
        }
        let text = printable(text);
        let room = self.width - indent - NAME - GAP;
        for (n, piece) in wrap(&text, room).into_iter().enumerate() {
            let name = if n == 0 { name } else { "" };
            write!(self.out, "{:indent$}{name:NAME$}{:GAP$}", "", "")?;
            self.styled(piece, style)?;
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn styled(&mut self, text: &str, style: Style) -> io::Result<()> {
        match style.code() {
            Some(code) if self.colour => write!(self.out, "\x1b[{code}m{text}\x1b[0m"),
            _ => self.out.write_all(text.as_bytes()),
        }
    }
}

/// How a text looks where there are colours. Never the only way to tell something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// On its way.
    Fair,
    /// Something is wrong.
    Bad,
    /// What matters most.
    Strong,
}

impl Style {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Fair => Some("33"),
            Self::Bad => Some("31"),
            Self::Strong => Some("1"),
        }
    }
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell in a style.
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        let mut text = text.into();
        if let Cow::Owned(clean) = printable(&text) {
            text = clean;
        }
        Self { text, style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::Plain)
    }
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    title: &'static str,
    /// It is made no narrower than this.
    keep: usize,
    right: bool,
    /// It gives way only when the others have.
    firm: bool,
}

impl Column {
    /// A column of words, which are the first to be wrapped when space is short.
    pub const fn text(title: &'static str, keep: usize) -> Self {
        Self {
            title,
            keep,
            right: false,
            firm: false,
        }
    }

    /// A column of addresses and the like, which are not wrapped.
    pub const fn firm(title: &'static str, keep: usize) -> Self {
        Self {
            title,
            keep,
            right: false,
            firm: true,
        }
    }

    /// A column of numbers, likewise, units and all.
    pub const fn number(title: &'static str, keep: usize) -> Self {
        Self {
            title,
            keep,
            right: true,
            firm: true,
        }
    }
}

/// A table in the making.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    /// Columns of the screen.
    width: usize,
    /// What the widest cell so far needs.
    needed: Vec<usize>,
    /// What the widest piece so far needs that is not wrapped.
    solid: Vec<usize>,
    widths: Vec<usize>,
}

impl Table {
    /// An empty table for this screen.
    pub fn new<W>(columns: Vec<Column>, screen: &Screen<W>) -> Self {
        let kept: usize = columns.iter().map(|column| column.keep.max(1) + GAP).sum();
        assert!(
            kept <= WIDTH + GAP,
            "the columns of a table fit on the screen"
        );
        let needed = columns.iter().map(|column| breadth(column.title)).collect();
        let mut table = Self {
            width: screen.width,
            solid: vec![0; columns.len()],
            columns,
            needed,
            widths: Vec::new(),
        };
        table.lay_out();
        table
    }

    /// Makes room for some rows.
    pub fn fit<'a>(&mut self, rows: impl IntoIterator<Item = &'a [Cell]>) {
        let mut grown = false;
        for row in rows {
            let known = self.needed.iter_mut().zip(&mut self.solid);
            for (((needed, solid), column), cell) in known.zip(&self.columns).zip(row) {
                let width = breadth(&cell.text);
                if width > *needed {
                    *needed = width;
                    grown = true;
                }
                if width > *solid {
                    let widest = match column.right {
                        true => width,
                        false => widest_solid(&cell.text),
                    };
                    grown |= widest > *solid;
                    *solid = widest.max(*solid);
                }
            }
        }
        if grown {
            self.lay_out();
        }
    }

    /// Everything gets what it needs; while that is too much, the widest gives way, words first. What is in one piece gives way
    /// last: the rows that hold it then take more lines, and the others stay as they are.
    fn lay_out(&mut self) {
        self.widths.clone_from(&self.needed);
        let gaps = GAP * self.columns.len().saturating_sub(1);
        let mut over = (self.widths.iter().sum::<usize>() + gaps).saturating_sub(self.width);
        for broken in [false, true] {
            while over > 0 {
                let yielding = self.widths.iter_mut().zip(&self.columns).zip(&self.solid);
                let yielding = yielding.filter(|((width, column), solid)| {
                    let least = if broken { 0 } else { **solid };
                    **width > column.keep.max(1).max(least)
                });
                match yielding.max_by_key(|((width, column), _)| (!column.firm && !broken, **width))
                {
                    Some(((width, _), _)) => *width -= 1,
                    None => break,
                }
                over -= 1;
            }
        }
    }

    /// Writes the titles.
    pub fn write_titles<W: Write>(&self, screen: &mut Screen<W>) -> io::Result<()> {
        let titles: Vec<Cell> = self
            .columns
            .iter()
            .map(|column| Cell::styled(column.title, Style::Strong))
            .collect();
        self.write_fitted(screen, &titles)
    }

    /// Writes a row, making room for it first.
    pub fn write<W: Write>(&mut self, screen: &mut Screen<W>, row: &[Cell]) -> io::Result<()> {
        self.fit([row]);
        self.write_fitted(screen, row)
    }

    fn write_fitted<W: Write>(&self, screen: &mut Screen<W>, row: &[Cell]) -> io::Result<()> {
        // Cells that stand beside each other.
        let mut band: Vec<Placed<'_>> = Vec::new();
        let mut from = 0;
        let mut full = false;
        for ((cell, width), column) in row.iter().zip(&self.widths).zip(&self.columns) {
            let pieces = match column.right {
                true => vec![cell.text.as_str()],
                false => wrap(&cell.text, *width),
            };
            let widest = pieces.iter().map(|piece| breadth(piece)).max().unwrap_or(0);
            let at = from.min(self.width.saturating_sub(widest));
            if full && widest > 0 || at < from && !band.is_empty() {
                write_band(screen, &band)?;
                band.clear();
                full = false;
            }
            full |= widest > *width;
            band.push(Placed {
                at,
                width: widest.max(*width),
                right: column.right,
                style: cell.style,
                pieces,
            });
            from += *width + GAP;
        }
        write_band(screen, &band)
    }

    /// Writes a whole table at once.
    pub fn print<W: Write>(
        columns: Vec<Column>,
        rows: &[Vec<Cell>],
        screen: &mut Screen<W>,
    ) -> io::Result<()> {
        let mut table = Self::new(columns, screen);
        table.fit(rows.iter().map(Vec::as_slice));
        table.write_titles(screen)?;
        for row in rows {
            table.write_fitted(screen, row)?;
        }
        Ok(())
    }
}

/// A cell in its place.
struct Placed<'a> {
    at: usize,
    width: usize,
    right: bool,
    style: Style,
    pieces: Vec<&'a str>,
}

fn write_band<W: Write>(screen: &mut Screen<W>, band: &[Placed<'_>]) -> io::Result<()> {
    let lines = band.iter().map(|cell| cell.pieces.len()).max().unwrap_or(0);
    for line in 0..lines {
        // Space is written when something follows it, so that no line ends in it.
        let mut written = 0;
        for cell in band {
            let piece = cell.pieces.get(line).copied().unwrap_or_default();
            if piece.is_empty() {
                continue;
            }
            let width = breadth(piece);
            let at = match cell.right {
                true => cell.at + cell.width.saturating_sub(width),
                false => cell.at,
            };
            write!(screen.out, "{:1$}", "", at.saturating_sub(written))?;
            screen.styled(piece, cell.style)?;
            written = at + width;
        }
        writeln!(screen.out)?;
    }
    Ok(())
}

/// The text without characters that move the cursor, change colours or hide.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|octet| matches!(octet, 0x20..=0x7e)) {
        return Cow::Borrowed(text);
    }
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match text.contains(bad) {
        true => Cow::Owned(text.replace(bad, "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn rendered(columns: Vec<Column>, rows: &[&[&str]], colour: bool) -> String {
        let rows: Vec<Vec<Cell>> = rows
            .iter()
            .map(|row| row.iter().copied().map(Cell::from).collect())
            .collect();
        let mut screen = Screen::new(Vec::new(), colour);
        Table::print(columns, &rows, &mut screen).unwrap();
        String::from_utf8(screen.out).unwrap()
    }

    #[test]
    fn columns_line_up_and_lines_do_not_end_in_space() {
        let columns = vec![
            Column::text("NAME", 8),
            Column::number("ROUTES", 6),
            Column::text("X", 1),
        ];
        let text = rendered(
            columns,
            &[&["a", "7", ""], &["longer", "1000000", "x"]],
            false,
        );
        assert_eq!(
            text,
            "NAME     ROUTES  X\na             7\nlonger  1000000  x\n"
        );
    }

    #[test]
    fn what_does_not_fit_is_wrapped_in_its_column() {
        let columns = vec![
            Column::text("PREFIX", 43),
            Column::text("A", 10),
            Column::text("B", 10),
        ];
        let prefix = "2001:db8:1111:2222:3333:4444:5555:6666/128";
        let long = "word ".repeat(30);
        let text = rendered(columns, &[&[prefix, &long, &long]], false);
        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        assert!(text.contains(prefix), "{text}");
        assert_eq!(text.matches("word").count(), 60);
    }

    #[test]
    fn every_combination_of_widths_fits() {
        let columns = || {
            vec![
                Column::text("P", 43),
                Column::text("N", 14),
                Column::text("F", 8),
                Column::number("L", 5),
            ]
        };
        for a in [1, 20, 43, 200] {
            for b in [1, 39, 80] {
                for c in [1, 63, 253] {
                    for d in [1, 10] {
                        let cells = [a, b, c, d].map(|n| "x".repeat(n));
                        let row: Vec<&str> = cells.iter().map(String::as_str).collect();
                        let text = rendered(columns(), &[&row], false);
                        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
                        assert_eq!(text.matches('x').count(), a + b + c + d);
                    }
                }
            }
        }
    }

    #[test]
    fn an_address_is_in_one_piece_and_rows_without_it_in_one_line() {
        let columns = || {
            vec![
                Column::firm("PREFIX", 20),
                Column::firm("NEXT HOP", 14),
                Column::text("FROM", 9),
                Column::number("MED", 4),
                Column::text("AS PATH", 11),
            ]
        };
        let long = [
            "2001:db8:1111:2222:3333:4444:5555:6666/128",
            "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff",
            "leaf-switch-of-the-second-row",
            "4294967295",
            "4200000001 4200000002 4200000003",
        ];
        let short = [
            "10.0.0.0/8",
            "fe80::a85b:a2ff:fee1:9b55",
            "tor-1",
            "0",
            "1 i",
        ];
        let text = rendered(columns(), &[&long, &short], false);
        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        for whole in long.iter().flat_map(|cell| cell.split(' ')).take(2) {
            assert!(text.contains(whole), "{whole} in\n{text}");
        }
        for whole in ["4294967295", "4200000001", "4200000002", "4200000003"] {
            assert!(text.contains(whole), "{whole} in\n{text}");
        }
        let last = text.lines().last().unwrap_or_default();
        assert!(short.iter().all(|cell| last.contains(cell)), "{text}");
    }

    #[test]
    fn a_row_is_one_line_where_it_is_not_for_a_terminal() {
        let mut screen = Screen::endless(Vec::new());
        let words = "word ".repeat(100);
        let rows = [vec![
            Cell::from("x".repeat(253)),
            Cell::from(words.trim_end()),
        ]];
        let columns = vec![Column::text("A", 4), Column::text("B", 4)];
        Table::print(columns, &rows, &mut screen).unwrap();
        screen.fact(2, "name", &words).unwrap();
        screen.line(2, &words).unwrap();
        let text = String::from_utf8(screen.out).unwrap();
        assert_eq!(text.lines().count(), 4, "{text}");
    }

    #[test]
    fn a_later_row_widens_the_table_from_there_on() {
        let mut screen = Screen::new(Vec::new(), false);
        let mut table = Table::new(vec![Column::text("A", 4), Column::text("B", 4)], &screen);
        table.write(&mut screen, &["1".into(), "x".into()]).unwrap();
        table
            .write(&mut screen, &["123456".into(), "x".into()])
            .unwrap();
        table.write(&mut screen, &["1".into(), "x".into()]).unwrap();
        assert_eq!(
            String::from_utf8(screen.out).unwrap(),
            "1  x\n123456  x\n1       x\n"
        );
    }

    #[test]
    fn neighbours_do_not_write_to_the_terminal() {
        let text = rendered(
            vec![Column::text("A", 4)],
            &[&["\x1b[31mred\x07\u{202e}"]],
            false,
        );
        assert_eq!(text, "A\n\u{fffd}[31mred\u{fffd}\u{fffd}\n");
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let columns = || vec![Column::text("NAME", 4), Column::text("STATE", 4)];
        let row = [Cell::from("a"), Cell::styled("Established", Style::Good)];
        let print = |colour| {
            let mut screen = Screen::new(Vec::new(), colour);
            Table::print(columns(), &[row.to_vec()], &mut screen).unwrap();
            String::from_utf8(screen.out).unwrap()
        };
        let coloured = print(true);
        assert!(coloured.contains("\x1b[32mEstablished\x1b[0m"));
        let mut plain = coloured;
        for code in ["\x1b[32m", "\x1b[1m", "\x1b[0m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, print(false));
    }
}

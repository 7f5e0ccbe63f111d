//! Marks in the text of cases: `‸` stands before the place an error has to name, and is not part of the text.

const MARK: char = '‸';

/// The text without marks, and the line and column of each, counted from one in characters.
pub(crate) fn take(marked: &str) -> (String, Vec<(usize, usize)>) {
    let mut text = String::new();
    let mut places = Vec::new();
    let (mut line, mut column) = (1, 1);
    for c in marked.chars() {
        match c {
            MARK => {
                places.push((line, column));
                continue;
            }
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
        text.push(c);
    }
    (text, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_places() {
        let (text, places) = take("a‸b\n‸ü‸c");
        assert_eq!(text, "ab\nüc");
        assert_eq!(places, [(1, 2), (2, 1), (2, 2)]);
    }
}

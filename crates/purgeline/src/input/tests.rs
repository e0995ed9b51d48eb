use super::*;
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Input {
    let mut input = Input::default();
    input.read_lines("pages.txt", bytes).unwrap();
    input
}

fn texts(given: &[Given]) -> Vec<&str> {
    given.iter().map(|given| given.text.as_str()).collect()
}

#[test]
fn one_item_a_line() {
    let input =
        read(b"\xEF\xBB\xBFhttps://h/a\r\n\n  # old\n\thttps://h/b c \ndir  https://h/news/\nhttps://h/end");
    assert_eq!(texts(&input.urls), ["https://h/a", "https://h/b c", "https://h/end"]);
    assert_eq!(texts(&input.dirs), ["https://h/news/"]);
    assert_eq!(input.urls[1].origin.to_string(), "pages.txt, line 4");
    assert_eq!(input.urls[2].origin.to_string(), "pages.txt, line 6");
    assert!(input.unreadable.is_empty());
}

#[test]
fn a_line_that_is_not_utf8_is_named() {
    let input = read(b"https://h/a\nhttps://h/caf\xE9\nhttps://h/b\n");
    assert_eq!(texts(&input.urls), ["https://h/a", "https://h/b"]);
    let [bad] = &input.unreadable[..] else { panic!("{:?}", input.unreadable) };
    assert_eq!(bad.origin.to_string(), "pages.txt, line 2");
    assert_eq!(
        bad.reason,
        "not UTF-8 (byte 0xE9 after 13 good ones): save the file as UTF-8, or percent-encode the URL"
    );
    assert_eq!(bad.text, "https://h/caf\u{FFFD}");
}

#[test]
fn a_line_without_end_is_not_kept() {
    let mut bytes = b"https://h/a\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 1_000_000));
    bytes.extend(b"\nhttps://h/b");
    let input = read(&bytes);
    assert_eq!(texts(&input.urls), ["https://h/a", "https://h/b"]);
    assert_eq!(input.unreadable.len(), 1);
    assert_eq!(input.unreadable[0].text.len(), 200);
    assert_eq!(input.urls[1].origin.to_string(), "pages.txt, line 3");
}

#[test]
fn a_resource_stands_in_a_line_as_json() {
    let input = read(
        b"resource {\"title\": \"Sales\", \"params\": {\"year\": 2026}}\nresource  {\"title\":\"Costs\"}\n\
          resource Sales\nresource {\"titel\":\"Sales\"}",
    );
    let resources: Vec<_> = input
        .resources
        .iter()
        .map(|given| format!("{} {:?} {}", given.resource.title, given.resource.params, given.origin))
        .collect();
    assert_eq!(resources, ["Sales {\"year\": Number(2026)} pages.txt, line 1", "Costs {} pages.txt, line 2"]);
    let [text, member] = &input.unreadable[..] else { panic!("{:?}", input.unreadable) };
    assert!(text.reason.starts_with("not a resource (") && text.reason.contains("\"title\": \"Sales\""));
    assert!(member.reason.contains("unknown field `titel`"), "{}", member.reason);
    assert_eq!(member.origin.to_string(), "pages.txt, line 4");
}

#[test]
fn parameters_are_json_where_they_read_as_json() {
    let param = |text: &str| text.parse::<Param>();
    let params = ["year=2026", "area=EU", "code=\"007\"", "of=[1,2]", "open=true", "empty=", "a=b=c"];
    let params: Vec<_> = params.iter().map(|text| param(text).unwrap()).collect();
    let titles = ["Sales".to_owned(), "Costs".to_owned()];
    let [sales, costs] = &resources(&titles, &params).unwrap()[..] else { panic!() };
    assert_eq!(
        serde_json::Value::from(sales.params.clone()),
        serde_json::json!({"year": 2026, "area": "EU", "code": "007", "of": [1, 2], "open": true, "empty": "", "a": "b=c"})
    );
    assert_eq!((costs.title.as_str(), &costs.params), ("Costs", &sales.params));
    for bad in ["year", "=2026", ""] {
        assert_eq!(param(bad).unwrap_err(), "expected NAME=VALUE, like year=2026");
    }
    let twice = [param("a=1").unwrap(), param("a=2").unwrap()];
    assert_eq!(resources(&titles, &twice).unwrap_err(), "--param a is given twice");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Input::read(&[], &[], Vec::new(), &["/nonexistent/pages.txt".into()]).unwrap_err();
    assert!(error.starts_with("/nonexistent/pages.txt: "), "{error}");
}

proptest! {
    /// Every line is an item, unreadable, or blank; none is lost, none made up.
    #[test]
    fn every_line_is_accounted_for(lines in proptest::collection::vec(
        prop_oneof![
            "https://h/[a-z]{0,9}".prop_map(String::into_bytes),
            "dir https://h/[a-z]{0,9}/".prop_map(String::into_bytes),
            Just(Vec::new()),
            Just(b"# note".to_vec()),
            Just(b"https://h/\xFF".to_vec()),
            (65_530_usize..65_560).prop_map(|length| vec![b'y'; length]),
        ],
        0..20,
    )) {
        let input = read(&lines.join(&b'\n'));
        let count = |wanted: &dyn Fn(&[u8]) -> bool| lines.iter().filter(|line| wanted(line)).count();
        let long = |line: &[u8]| line.len() > 65_536;
        prop_assert_eq!(input.dirs.len(), count(&|line| line.starts_with(b"dir ")));
        prop_assert_eq!(
            input.urls.len(),
            count(&|line| (line.starts_with(b"https") && !line.contains(&0xFF))
                || (line.starts_with(b"y") && !long(line)))
        );
        prop_assert_eq!(input.unreadable.len(), count(&|line| line.contains(&0xFF) || long(line)));
        let mut numbers: Vec<_> = input
            .urls
            .iter()
            .chain(&input.dirs)
            .map(|given| &given.origin)
            .chain(input.unreadable.iter().map(|bad| &bad.origin))
            .map(|origin| match origin {
                Origin::Line { line, .. } => *line,
                Origin::Argument => 0,
            })
            .collect();
        numbers.sort_unstable();
        let expected: Vec<u64> = (1..)
            .zip(&lines)
            .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
            .map(|(number, _)| number)
            .collect();
        prop_assert_eq!(numbers, expected);
    }
}

//! The names of endpoint behaviors.

/// The registry "SRv6 Endpoint Behaviors" (RFC 8986 §10.2). First come, first served: what is above 139
/// mostly comes from drafts.
const NAMES: &[(u16, &str)] = &[
    (1, "End"),
    (2, "End with PSP"),
    (3, "End with USP"),
    (4, "End with PSP & USP"),
    (5, "End.X"),
    (6, "End.X with PSP"),
    (7, "End.X with USP"),
    (8, "End.X with PSP & USP"),
    (9, "End.T"),
    (10, "End.T with PSP"),
    (11, "End.T with USP"),
    (12, "End.T with PSP & USP"),
    (13, "End.B6.Insert"),
    (14, "End.B6.Encaps"),
    (15, "End.BM"),
    (16, "End.DX6"),
    (17, "End.DX4"),
    (18, "End.DT6"),
    (19, "End.DT4"),
    (20, "End.DT46"),
    (21, "End.DX2"),
    (22, "End.DX2V"),
    (23, "End.DT2U"),
    (24, "End.DT2M"),
    (26, "End.B6.Insert.Red"),
    (27, "End.B6.Encaps.Red"),
    (28, "End with USD"),
    (29, "End with PSP & USD"),
    (30, "End with USP & USD"),
    (31, "End with PSP, USP & USD"),
    (32, "End.X with USD"),
    (33, "End.X with PSP & USD"),
    (34, "End.X with USP & USD"),
    (35, "End.X with PSP, USP & USD"),
    (36, "End.T with USD"),
    (37, "End.T with PSP & USD"),
    (38, "End.T with USP & USD"),
    (39, "End.T with PSP, USP & USD"),
    (40, "End.MAP"),
    (41, "End.Limit"),
    (42, "End with NEXT-ONLY-CSID"),
    (43, "End with NEXT-CSID"),
    (44, "End with NEXT-CSID & PSP"),
    (45, "End with NEXT-CSID & USP"),
    (46, "End with NEXT-CSID, PSP & USP"),
    (47, "End with NEXT-CSID & USD"),
    (48, "End with NEXT-CSID, PSP & USD"),
    (49, "End with NEXT-CSID, USP & USD"),
    (50, "End with NEXT-CSID, PSP, USP & USD"),
    (51, "End.X with NEXT-ONLY-CSID"),
    (52, "End.X with NEXT-CSID"),
    (53, "End.X with NEXT-CSID & PSP"),
    (54, "End.X with NEXT-CSID & USP"),
    (55, "End.X with NEXT-CSID, PSP & USP"),
    (56, "End.X with NEXT-CSID & USD"),
    (57, "End.X with NEXT-CSID, PSP & USD"),
    (58, "End.X with NEXT-CSID, USP & USD"),
    (59, "End.X with NEXT-CSID, PSP, USP & USD"),
    (60, "End.DX6 with NEXT-CSID"),
    (61, "End.DX4 with NEXT-CSID"),
    (62, "End.DT6 with NEXT-CSID"),
    (63, "End.DT4 with NEXT-CSID"),
    (64, "End.DT46 with NEXT-CSID"),
    (65, "End.DX2 with NEXT-CSID"),
    (66, "End.DX2V with NEXT-CSID"),
    (67, "End.DT2U with NEXT-CSID"),
    (68, "End.DT2M with NEXT-CSID"),
    (69, "End.M.GTP6.D"),
    (70, "End.M.GTP6.Di"),
    (71, "End.M.GTP6.E"),
    (72, "End.M.GTP4.E"),
    (73, "End.DTM"),
    (74, "End.M (Mirror SID)"),
    (75, "End.Replicate"),
    (76, "End.DTMC4"),
    (77, "End.DTMC6"),
    (78, "End.DTMC46"),
    (79, "End.BXC"),
    (80, "End.BXC with PSP"),
    (81, "End.BXC with USP"),
    (82, "End.BXC with USD"),
    (83, "End.BXC with PSP, USP & USD"),
    (84, "End.NSH - NSH Segment"),
    (85, "End.T with NEXT-CSID"),
    (86, "End.T with NEXT-CSID & PSP"),
    (87, "End.T with NEXT-CSID & USP"),
    (88, "End.T with NEXT-CSID, PSP & USP"),
    (89, "End.T with NEXT-CSID & USD"),
    (90, "End.T with NEXT-CSID, PSP & USD"),
    (91, "End.T with NEXT-CSID, USP & USD"),
    (92, "End.T with NEXT-CSID, PSP, USP & USD"),
    (93, "End.B6.Encaps with NEXT-CSID"),
    (94, "End.B6.Encaps.Red with NEXT-CSID"),
    (95, "End.BM with NEXT-CSID"),
    (96, "End.LBS with NEXT-CSID"),
    (97, "End.XLBS with NEXT-CSID"),
    (98, "End.B6.Encaps.Red with NEXT-CSID, PSP & USD"),
    (99, "End.B6.Insert.Red with NEXT-CSID, PSP & USD"),
    (100, "End.PSID"),
    (101, "End with REPLACE-CSID"),
    (102, "End with REPLACE-CSID & PSP"),
    (103, "End with REPLACE-CSID & USP"),
    (104, "End with REPLACE-CSID, PSP & USP"),
    (105, "End.X with REPLACE-CSID"),
    (106, "End.X with REPLACE-CSID & PSP"),
    (107, "End.X with REPLACE-CSID & USP"),
    (108, "End.X with REPLACE-CSID, PSP & USP"),
    (109, "End.T with REPLACE-CSID"),
    (110, "End.T with REPLACE-CSID & PSP"),
    (111, "End.T with REPLACE-CSID & USP"),
    (112, "End.T with REPLACE-CSID, PSP & USP"),
    (114, "End.B6.Encaps with REPLACE-CSID"),
    (115, "End.BM with REPLACE-CSID"),
    (116, "End.DX6 with REPLACE-CSID"),
    (117, "End.DX4 with REPLACE-CSID"),
    (118, "End.DT6 with REPLACE-CSID"),
    (119, "End.DT4 with REPLACE-CSID"),
    (120, "End.DT46 with REPLACE-CSID"),
    (121, "End.DX2 with REPLACE-CSID"),
    (122, "End.DX2V with REPLACE-CSID"),
    (123, "End.DT2U with REPLACE-CSID"),
    (124, "End.DT2M with REPLACE-CSID"),
    (127, "End.B6.Encaps.Red with REPLACE-CSID"),
    (128, "End with REPLACE-CSID & USD"),
    (129, "End with REPLACE-CSID, PSP & USD"),
    (130, "End with REPLACE-CSID, USP & USD"),
    (131, "End with REPLACE-CSID, PSP, USP & USD"),
    (132, "End.X with REPLACE-CSID & USD"),
    (133, "End.X with REPLACE-CSID, PSP & USD"),
    (134, "End.X with REPLACE-CSID, USP & USD"),
    (135, "End.X with REPLACE-CSID, PSP, USP & USD"),
    (136, "End.T with REPLACE-CSID & USD"),
    (137, "End.T with REPLACE-CSID, PSP & USD"),
    (138, "End.T with REPLACE-CSID, USP & USD"),
    (139, "End.T with REPLACE-CSID, PSP, USP & USD"),
    (140, "End.LBS with REPLACE-CSID"),
    (141, "End.XLBS with REPLACE-CSID"),
    (142, "End.DTM46"),
    (143, "End.DXM4"),
    (144, "End.DXM6"),
    (145, "End.DXM2"),
    (150, "End.XU"),
    (151, "End.XU with PSP"),
    (152, "End.XU with USP"),
    (153, "End.XU with USD"),
    (154, "End.XU with PSP, USP & USD"),
    (155, "End.XU with REPLACE-CSID"),
    (156, "End.XU with REPLACE-CSID & PSP"),
    (157, "End.XU with REPLACE-CSID & PSP & USP & USD"),
    (158, "End.DX1"),
    (159, "End.DX1 with NEXT-CSID"),
    (160, "End.DX1 with REPLACE-CSID"),
    (161, "End.AN - SR-aware function"),
    (162, "End.AS - Static proxy"),
    (163, "End.AD - Dynamic proxy"),
    (164, "End.AM - Masquerading proxy"),
    (165, "End.AM - Masquerading proxy with NAT"),
    (166, "End.AM - Masquerading proxy with Caching"),
    (167, "End.AM - Masquerading proxy with NAT & Caching"),
    (168, "End.M.GTP6.E.Red"),
    (169, "End.AN.CI.S"),
    (170, "End.AN.CI.D.A"),
    (171, "End.AN.CI.D.T"),
    (172, "End.AN.CI.D.V"),
    (173, "End.AN.CI.D.D"),
    (180, "End.AS with REPLACE-CSID"),
    (181, "End.AS with NEXT-CSID"),
    (182, "End.AD with REPLACE-CSID"),
    (183, "End.AD with NEXT-CSID"),
    (184, "End.AM with REPLACE-CSID"),
    (185, "End.AM with NEXT-CSID"),
    (186, "End.AMN with REPLACE-CSID"),
    (187, "End.AMN with NEXT-CSID"),
    (32767, "The SID defined in RFC 8754"),
    (65535, "Opaque"),
];

/// The registered name of an endpoint behavior.
pub fn behavior_name(behavior: u16) -> Option<&'static str> {
    let place = NAMES.binary_search_by_key(&behavior, |(number, _)| *number);
    let (_, name) = NAMES.get(place.ok()?)?;
    Some(name)
}

/// The number of the endpoint behavior that is registered by this name.
pub fn behavior_number(name: &str) -> Option<u16> {
    let found = NAMES.iter().find(|(_, registered)| *registered == name);
    found.map(|(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a behavior is registered with (RFC 8986 §4.16, RFC 9800 §4.1.1, §4.2.1).
    const PLAIN: [&str; 4] = ["", " with PSP", " with USP", " with PSP & USP"];
    const WITH_USD: [&str; 4] = [
        " with USD",
        " with PSP & USD",
        " with USP & USD",
        " with PSP, USP & USD",
    ];
    const COMPRESSED: [&str; 4] = ["", " & PSP", " & USP", ", PSP & USP"];
    const COMPRESSED_USD: [&str; 4] = [" & USD", ", PSP & USD", ", USP & USD", ", PSP, USP & USD"];
    /// From End.DX6, which is 16, on.
    const SERVICES: [&str; 9] = [
        "End.DX6", "End.DX4", "End.DT6", "End.DT4", "End.DT46", "End.DX2", "End.DX2V", "End.DT2U",
        "End.DT2M",
    ];

    /// IANA "SRv6 Endpoint Behaviors": those that come in flavors, by the numbers that RFC 8986 §10.2,
    /// RFC 9800 §12 and RFC 9819 give the first of each row, and the others one by one.
    #[test]
    fn every_behavior_has_its_registered_name() {
        let mut wanted = Vec::new();
        let mut row = |first: u16, base: &str, flavors: &[&str]| {
            let names = flavors.iter().map(|flavor| format!("{base}{flavor}"));
            wanted.extend((first..=u16::MAX).zip(names));
        };
        for (place, base) in (0u16..).zip(["End", "End.X", "End.T"]) {
            row(1 + 4 * place, base, &PLAIN);
            row(28 + 4 * place, base, &WITH_USD);
            row(
                101 + 4 * place,
                &format!("{base} with REPLACE-CSID"),
                &COMPRESSED,
            );
            row(
                128 + 4 * place,
                &format!("{base} with REPLACE-CSID"),
                &COMPRESSED_USD,
            );
            let next = [43, 52, 85][usize::from(place)];
            row(next, &format!("{base} with NEXT-CSID"), &COMPRESSED);
            row(next + 4, &format!("{base} with NEXT-CSID"), &COMPRESSED_USD);
        }
        for (place, base) in (0u16..).zip(SERVICES) {
            row(16 + place, base, &[""]);
            row(60 + place, base, &[" with NEXT-CSID"]);
            row(116 + place, base, &[" with REPLACE-CSID"]);
        }
        for (number, name) in [
            (13, "End.B6.Insert"),
            (14, "End.B6.Encaps"),
            (15, "End.BM"),
            (26, "End.B6.Insert.Red"),
            (27, "End.B6.Encaps.Red"),
            (40, "End.MAP"),
            (41, "End.Limit"),
            (42, "End with NEXT-ONLY-CSID"),
            (51, "End.X with NEXT-ONLY-CSID"),
            (69, "End.M.GTP6.D"),
            (70, "End.M.GTP6.Di"),
            (71, "End.M.GTP6.E"),
            (72, "End.M.GTP4.E"),
            (73, "End.DTM"),
            (74, "End.M (Mirror SID)"),
            (75, "End.Replicate"),
            (76, "End.DTMC4"),
            (77, "End.DTMC6"),
            (78, "End.DTMC46"),
            (79, "End.BXC"),
            (80, "End.BXC with PSP"),
            (81, "End.BXC with USP"),
            (82, "End.BXC with USD"),
            (83, "End.BXC with PSP, USP & USD"),
            (84, "End.NSH - NSH Segment"),
            (93, "End.B6.Encaps with NEXT-CSID"),
            (94, "End.B6.Encaps.Red with NEXT-CSID"),
            (95, "End.BM with NEXT-CSID"),
            (96, "End.LBS with NEXT-CSID"),
            (97, "End.XLBS with NEXT-CSID"),
            (98, "End.B6.Encaps.Red with NEXT-CSID, PSP & USD"),
            (99, "End.B6.Insert.Red with NEXT-CSID, PSP & USD"),
            (100, "End.PSID"),
            (114, "End.B6.Encaps with REPLACE-CSID"),
            (115, "End.BM with REPLACE-CSID"),
            (127, "End.B6.Encaps.Red with REPLACE-CSID"),
            (140, "End.LBS with REPLACE-CSID"),
            (141, "End.XLBS with REPLACE-CSID"),
            (142, "End.DTM46"),
            (143, "End.DXM4"),
            (144, "End.DXM6"),
            (145, "End.DXM2"),
            (150, "End.XU"),
            (151, "End.XU with PSP"),
            (152, "End.XU with USP"),
            (153, "End.XU with USD"),
            (154, "End.XU with PSP, USP & USD"),
            (155, "End.XU with REPLACE-CSID"),
            (156, "End.XU with REPLACE-CSID & PSP"),
            (157, "End.XU with REPLACE-CSID & PSP & USP & USD"),
            (158, "End.DX1"),
            (159, "End.DX1 with NEXT-CSID"),
            (160, "End.DX1 with REPLACE-CSID"),
            (161, "End.AN - SR-aware function"),
            (162, "End.AS - Static proxy"),
            (163, "End.AD - Dynamic proxy"),
            (164, "End.AM - Masquerading proxy"),
            (165, "End.AM - Masquerading proxy with NAT"),
            (166, "End.AM - Masquerading proxy with Caching"),
            (167, "End.AM - Masquerading proxy with NAT & Caching"),
            (168, "End.M.GTP6.E.Red"),
            (169, "End.AN.CI.S"),
            (170, "End.AN.CI.D.A"),
            (171, "End.AN.CI.D.T"),
            (172, "End.AN.CI.D.V"),
            (173, "End.AN.CI.D.D"),
            (180, "End.AS with REPLACE-CSID"),
            (181, "End.AS with NEXT-CSID"),
            (182, "End.AD with REPLACE-CSID"),
            (183, "End.AD with NEXT-CSID"),
            (184, "End.AM with REPLACE-CSID"),
            (185, "End.AM with NEXT-CSID"),
            (186, "End.AMN with REPLACE-CSID"),
            (187, "End.AMN with NEXT-CSID"),
            (32767, "The SID defined in RFC 8754"),
            (65535, "Opaque"),
        ] {
            row(number, name, &[""]);
        }
        wanted.sort();
        let all =
            (0..=u16::MAX).filter_map(|number| Some((number, behavior_name(number)?.to_owned())));
        assert_eq!(all.collect::<Vec<_>>(), wanted);
    }
}

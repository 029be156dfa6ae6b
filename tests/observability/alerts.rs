//! Alerts fire and stay silent on their conditions, tested with promtool.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::expressions::{folder, read};
use crate::clients::{on_path, skip};

/// Path of promtool: on the PATH, or installed by `script/bootstrap`.
fn promtool() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let unpacked = target.join("tools/prometheus/usr/bin/promtool");
    on_path("promtool").or_else(|| Some(unpacked).filter(|path| path.is_file()))
}

#[test]
fn fires_alerts_on_their_conditions() {
    let Some(promtool) = promtool() else {
        return skip(
            "fires_alerts_on_their_conditions",
            "promtool is not installed",
        );
    };
    for arguments in [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts_test.yml"],
    ] {
        let ran = Command::new(&promtool)
            .args(arguments)
            .current_dir(folder())
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{arguments:?}: {}{}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}

#[test]
fn explains_and_tests_every_alert() {
    let (rules, tests) = (read("alerts.yml"), read("alerts_test.yml"));
    let alerts: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 10, "no alerts found");
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        for part in ["expr:", "severity:", "summary:", "description:", "action:"] {
            assert!(alert.contains(part), "{name} has no {part}");
        }
        let cases: Vec<&str> = tests
            .split("  - name: ")
            .filter(|case| case.starts_with(&format!("\"{name} ")))
            .collect();
        let fires = format!("ALERTS{{alertname=\"{name}\",alertstate=\"firing\"}}");
        let is_silent = format!("alertname: {name}\n");
        let count = |has: &dyn Fn(&str) -> bool| cases.iter().filter(|case| has(case)).count();
        assert_eq!(
            count(&|case| case.contains(&fires)),
            1,
            "{name} never fires"
        );
        let silent = count(&|case| case.contains(&is_silent) && case.contains("exp_alerts: []"));
        assert_eq!(silent, 1, "{name} is never silent");
    }
}

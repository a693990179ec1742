"""Job `retention`: delete the folders of old runs. The table and the published files stay."""

from __future__ import annotations

import argparse
import shutil
from datetime import date, datetime, timezone
from pathlib import Path

from orders import run


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def modified_on(folder: Path) -> date:
    return datetime.fromtimestamp(folder.stat().st_mtime, tz=timezone.utc).date()


def outdated(runs: Path, today: date, keep_days: int) -> list[Path]:
    folders = (
        [path for path in runs.iterdir() if path.is_dir() and not path.is_symlink()] if runs.is_dir() else []
    )
    return sorted(path for path in folders if (today - modified_on(path)).days > keep_days)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--today", type=date.fromisoformat, required=True)
    parser.add_argument("--keep-days", type=int, default=14)
    parser.add_argument("--dry-run", action="store_true")
    args = parser.parse_args()
    if args.keep_days < 1:
        parser.error("--keep-days must be 1 or more, because runs of today may still be running")
    run.start_log()

    old = outdated(run.runs_folder(), args.today, args.keep_days)
    freed = sum(map(size, old))
    for folder in old:
        run.log.info("%s %s from %s", "would delete" if args.dry_run else "deleting", folder, modified_on(folder))
        if not args.dry_run:
            shutil.rmtree(folder)
    run.log.info("%d run folders older than %d days, %d kB", len(old), args.keep_days, freed // 1000)
    run.output({"removed": 0 if args.dry_run else len(old), "found": len(old), "bytes": freed})


if __name__ == "__main__":
    main()

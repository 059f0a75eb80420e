// SPDX-License-Identifier: MIT

package main

import (
	"fmt"

	"belay.example/belay/examples/sqlite/sqlite"

	"belay.example/belay"
)

const schema = `
CREATE TABLE package(name TEXT, version TEXT, arch TEXT, section TEXT, kib INTEGER);
CREATE TABLE depends(package TEXT, needs TEXT);
CREATE INDEX depends_needs ON depends(needs);`

func (d *demo) load() (err error) {
	db, err := sqlite.Open(d.path)
	if err != nil {
		return err
	}
	defer belay.CloseInto(&err, db)
	if err := db.Exec(schema); err != nil {
		return err
	}
	if err := db.Exec("BEGIN"); err != nil {
		return err
	}
	depends, err := d.insert(db)
	if err != nil {
		return err
	}
	if err := db.Exec("COMMIT"); err != nil {
		return err
	}
	fmt.Printf("   %d packages and %d dependencies; SQLite holds %d bytes of C memory\n",
		len(d.packages), depends, sqlite.MemoryUsed())
	return nil
}

func (d *demo) insert(db sqlite.DB) (depends int, err error) {
	addPackage, err := db.Prepare("INSERT INTO package VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		return 0, err
	}
	defer belay.CloseInto(&err, addPackage)
	addDepends, err := db.Prepare("INSERT INTO depends VALUES (?, ?)")
	if err != nil {
		return 0, err
	}
	defer belay.CloseInto(&err, addDepends)
	for _, p := range d.packages {
		if err := addPackage.Exec(p.Name, p.Version, p.Architecture, p.Section, p.SizeKiB); err != nil {
			return 0, err
		}
		for _, needs := range p.Depends {
			if err := addDepends.Exec(p.Name, needs); err != nil {
				return 0, err
			}
			depends++
		}
	}
	return depends, nil
}

// copyRows reads everything, closes the database, and looks at the rows only then.
func (d *demo) copyRows() error {
	db, err := sqlite.Open(d.path)
	if err != nil {
		return err
	}
	rows, err := query(db, "SELECT name, version, kib FROM package ORDER BY kib DESC")
	if err != nil {
		return err
	}
	needed, err := query(db, "SELECT needs, count(*) FROM depends GROUP BY needs ORDER BY 2 DESC, 1 LIMIT 3")
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	used := sqlite.MemoryUsed()
	d.check(used == 0, "database closed, SQLite holds %d bytes; the copies live on:", used)
	total := int64(0)
	for _, row := range rows {
		total += row[2].(int64)
	}
	d.check(len(rows) == len(d.packages) && total == d.kib(), "%d rows copied, %d MiB installed in all",
		len(rows), total/1024)
	for _, row := range rows[:min(3, len(rows))] {
		fmt.Printf("         %-24s %-28s %7d KiB\n", row[0], row[1], row[2])
	}
	for _, row := range needed {
		fmt.Printf("         %-24s needed by %d packages\n", row[0], row[1])
	}
	return nil
}

func (d *demo) kib() (total int64) {
	for _, p := range d.packages {
		total += p.SizeKiB
	}
	return total
}

func query(db sqlite.DB, sql string) (rows []sqlite.Row, err error) {
	stmt, err := db.Prepare(sql)
	if err != nil {
		return nil, err
	}
	defer belay.CloseInto(&err, stmt)
	return stmt.All()
}

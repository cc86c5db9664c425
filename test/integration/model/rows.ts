import { ALL_KINDS, type Kind, KINDS } from './kinds.js';
import type { Model } from './model.js';
import type { Row } from './row.js';

interface DbRow {
  readonly id: number;
  readonly handle: number;
  readonly name: string;
  readonly slug?: string;
  readonly touched?: number;
  readonly version?: number;
  readonly deleted: string | null;
  readonly [column: string]: unknown;
}

interface Snapshot {
  readonly now: string;
  readonly rows: Readonly<Record<Kind, readonly DbRow[]>>;
  readonly links: readonly { doc: number; tag: number }[];
}

/** Reads every row of every table, deleted or not, in one statement. */
export const SNAPSHOT_SQL = `select json_build_object('now', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), 'rows', json_build_object(${ALL_KINDS.map(
  (kind) => {
    const spec = KINDS[kind];
    const columns = [
      'id',
      'handle',
      'name',
      ...(kind === 'folder' ? ['slug'] : []),
      ...(spec.touched ? ['touched'] : []),
      ...(spec.versioned ? ['version'] : []),
      ...Object.keys(spec.refs).map((property) => `${property}_id as "${property}"`),
      `${spec.soft ? `to_char(deleted_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')` : 'null'} as deleted`,
    ];
    return `'${kind}', (select coalesce(json_agg(t), '[]') from (select ${columns.join(', ')} from ${kind}) as t)`;
  },
).join(
  ', ',
)}), 'links', (select coalesce(json_agg(t), '[]') from (select doc_id as doc, tag_id as tag from doc_tags) as t)) as s`;

/** Compares the rows of the database with the model's, and learns keys, versions and units from them. */
export class Rows {
  readonly ids = new Map<number, number>();
  readonly versions = new Map<number, number>();
  readonly #byId = new Map<string, number>();
  readonly #units = new Map<number, string>();
  #last = '';

  handle(kind: Kind, id: number): number | undefined {
    return this.#byId.get(`${kind}:${id}`);
  }

  compare(model: Model, { rows, links, now }: Snapshot): void {
    const fail = (what: string, row: Row | DbRow, actual: unknown, expected: unknown): never => {
      throw new Error(
        `${what} of ${'kind' in row ? String(row.kind) : ''}#${row.handle}: the database has ${actual}, the model ${expected}`,
      );
    };
    for (const kind of ALL_KINDS) {
      for (const row of rows[kind]) {
        this.ids.set(row.handle, row.id);
        this.#byId.set(`${kind}:${row.id}`, row.handle);
      }
    }
    const unitTimes = new Map([...this.#units].map(([unit, time]) => [time, unit]));
    for (const kind of ALL_KINDS) {
      const expected = model.of(kind);
      const actual = new Map(rows[kind].map((row) => [row.handle, row]));
      for (const row of actual.values()) {
        if (!model.rows.has(row.handle)) {
          fail('the existence', { ...row, kind }, 'a row', 'none');
        }
      }
      for (const row of expected) {
        const found = actual.get(row.handle) ?? fail('the existence', row, 'no row', 'one');
        if (found.name !== row.name || found.slug !== row.slug) {
          fail('the scalars', row, `${found.name}/${found.slug}`, `${row.name}/${row.slug}`);
        }
        row.touched ??= found.touched;
        if (KINDS[kind].touched && found.touched !== row.touched) {
          fail('the onUpdate property', row, found.touched, row.touched);
        }
        for (const [property, { to }] of Object.entries(KINDS[kind].refs)) {
          const target = found[property] == null ? null : this.handle(to, found[property] as number);
          if (target !== row.refs[property]) {
            fail(`the ${property}`, row, target, row.refs[property]);
          }
        }
        this.#compareUnit(row, found.deleted, unitTimes, now, fail);
        this.#compareVersion(row, found.version, fail);
      }
    }
    const actualLinks = links.map(({ doc, tag }) => `${this.handle('doc', doc)}:${this.handle('tag', tag)}`).toSorted();
    const expectedLinks = [...model.links].toSorted();
    if (actualLinks.join() !== expectedLinks.join()) {
      throw new Error(`the pivot rows: the database has ${actualLinks}, the model ${expectedLinks}`);
    }
    this.#last = now;
  }

  #compareUnit(
    row: Row,
    deleted: string | null,
    unitTimes: Map<string, number>,
    now: string,
    fail: (what: string, row: Row, actual: unknown, expected: unknown) => never,
  ): void {
    if (row.unit === null || deleted === null) {
      if (row.unit !== null || deleted !== null) {
        fail('deletedAt', row, deleted, row.unit === null ? 'null' : `unit ${row.unit}`);
      }
      return;
    }
    const time = this.#units.get(row.unit);
    if (time === undefined) {
      if (unitTimes.has(deleted)) {
        fail('deletedAt', row, `the time of unit ${unitTimes.get(deleted)}`, `a new unit ${row.unit}`);
      }
      if (this.#last !== '' && (deleted < this.#last || deleted > now)) {
        fail('deletedAt', row, deleted, `a time of the database's clock between ${this.#last} and ${now}`);
      }
      this.#units.set(row.unit, deleted);
      unitTimes.set(deleted, row.unit);
    } else if (time !== deleted) {
      fail('deletedAt', row, deleted, `unit ${row.unit} of ${time}`);
    }
  }

  #compareVersion(
    row: Row,
    version: number | undefined,
    fail: (what: string, row: Row, actual: unknown, expected: unknown) => never,
  ): void {
    const before = this.versions.get(row.handle);
    if (
      version !== undefined &&
      before !== undefined &&
      ((row.bumped ?? version > before) ? version <= before : version !== before)
    ) {
      fail('the version', row, version, row.bumped ? `more than ${before}` : before);
    }
    if (version !== undefined) {
      this.versions.set(row.handle, version);
    }
    row.bumped = false;
  }
}

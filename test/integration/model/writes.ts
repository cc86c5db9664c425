import { ALL_KINDS, KINDS, PLAIN_PARENTS, SOFT_KINDS } from './kinds.js';
import {
  change,
  at,
  collides,
  createRow,
  freeSlug,
  LEAVES,
  reachesChanges,
  removeAs,
  settleCovers,
} from './changes.js';
import { CLASSES, type Manager } from './manager.js';
import { column, type Row } from './row.js';
import type { Step } from './step.js';
import type { World } from './world.js';

type Write = (world: World, m: Manager, step: Step) => Promise<void>;

const REMOVABLE = ALL_KINDS.filter((kind) => !PLAIN_PARENTS.includes(kind));

/** Changes of entities through the unit of work. */
export const WRITES: Partial<Record<Step['op'], Write>> = {
  async create(world, m, { a, b, c }) {
    const kind = at(ALL_KINDS, a)!;
    const refs: Row['refs'] = {};
    for (const [property, spec] of Object.entries(KINDS[kind].refs)) {
      const free = (doc: Row) =>
        c % 7 === 0 || !world.candidates('cover', false, m).some((cover) => cover.refs['doc'] === doc.handle);
      const targets = world.candidates(spec.to, c % 5 === 0, m).filter((row) => kind !== 'cover' || free(row));
      const target = spec.nullable && b % 4 === 0 ? undefined : at(targets, b);
      if (!target && !spec.nullable) {
        return;
      }
      refs[property] = target?.handle ?? null;
    }
    if (await collides(world, m, Object.values(refs))) {
      return;
    }
    const doc = kind === 'cover' ? world.model.row(refs['doc']!) : undefined;
    const [old] = doc ? world.model.behind(doc.handle, { child: 'cover', property: 'doc' }, 'active') : [];
    if (doc && old) {
      // The new one takes the place of the one that the manager knows, which is an orphan then.
      await world.settle(m);
      await m.load(doc, ['cover']);
      m.pending.removes.add(old.handle);
    }
    await createRow(world, m, kind, refs, kind === 'folder' ? freeSlug(world, m, c) : undefined, b);
    await settleCovers(world, m);
  },

  async rename(world, m, { a, b, c }) {
    const row = at(world.candidates(at(ALL_KINDS, a), c % 4 === 0, m), b);
    if (row && !(await collides(world, m, [row.handle]))) {
      const name = `renamed${world.nextHandle()}`;
      (await m.load(row)).name = name;
      change(m, row, 'name', name);
    }
  },

  async move(world, m, { a, b, c }) {
    await world.refresh(m);
    const movable = ALL_KINDS.filter((kind) => Object.keys(KINDS[kind].refs).length > 0 && kind !== 'cover');
    const row = at(world.candidates(at(movable, a), false, m), b);
    const [property, spec] = row ? Object.entries(KINDS[row.kind].refs)[0]! : [];
    const target =
      spec && (spec.nullable && c % 4 === 0 ? undefined : at(world.candidates(spec.to, c % 9 === 0, m), c));
    const staysNowhere = !target && row && column(row, property!) === null;
    if (!row || !spec || (!target && !spec.nullable) || staysNowhere) {
      return;
    }
    if (await collides(world, m, [row.handle, row.refs[property!], target?.handle])) {
      return;
    }
    spec.inverses.forEach(({ name }) => m.collections.delete(`${row.refs[property!]}.${name}`));
    if (row.kind === 'entry') {
      spec.inverses.forEach(({ name }) => m.collections.delete(`${target!.handle}.${name}`));
    }
    const entity = await m.load(row);
    const value = target ? (c % 2 === 0 ? m.reference(target) : await m.load(target)) : null;
    const wraps = row.kind === 'review' && value?.id !== undefined;
    entity[property!] = wraps ? m.em.getReference(CLASSES[spec.to], value.id, { wrapped: true } as never) : value;
    // The ORM takes an entity out of a loaded collection that moves to another one, but not one that moves nowhere.
    m.foreign ||= !target;
    change(m, row, property!, target?.handle ?? null);
  },

  async reslug(world, m, { a, b }) {
    await world.settle(m);
    const row = at(world.candidates('folder', b % 3 === 0), a);
    if (row) {
      const slug = `slug${world.nextHandle()}`;
      (await m.load(row)).slug = slug;
      change(m, row, 'slug', slug);
      await world.settle(m);
    }
  },

  async remove(world, m, { a, b, c }) {
    const kind = at(REMOVABLE, a)!;
    if (!LEAVES.includes(kind)) {
      await world.refresh(m);
    }
    const row = at(world.candidates(kind, c % 6 === 0), b);
    if (!row) {
      return;
    }
    if (!(await reachesChanges(world, m, [row.handle]))) {
      await removeAs(m, row, c);
    }
  },

  async removeStale(world, m, { a }) {
    const rows = world.candidates(undefined, true).filter((row) => {
      const entity = m.stale.has(row.handle) && !m.pending.sets.has(row.handle) ? m.managed(row) : undefined;
      return entity && (row.unit !== null || entity.deletedAt == null);
    });
    const row = at(rows, a);
    if (row && !(await reachesChanges(world, m, [row.handle]))) {
      m.em.remove(m.managed(row));
      m.pending.removes.add(row.handle);
    }
  },

  async persistAgain(world, m, { a, b, c }) {
    await world.refresh(m);
    await world.settle(m);
    const row = at(world.candidates(at(SOFT_KINDS, a), false), b);
    if (row && world.model.closure([row.handle], () => true, false).size === 1) {
      const entity = await m.load(row, c % 2 === 0 && row.kind === 'doc' ? ['marks', 'leases'] : []);
      m.em.remove(entity);
      m.em.persist(entity);
      // The ORM has taken it out of the collections that held it and does not put it back.
      m.collections.clear();
      m.foreign = true;
      m.pending.sets.set(row.handle, new Map());
    }
  },

  async recreate(world, m, { a, b, c }) {
    const kind = a % 3 === 0 ? 'folder' : 'cover';
    await world.settle(m);
    if (c % 2 === 0 && world.transactions.length === 0) {
      m.clear();
    } else {
      await world.refresh(m);
    }
    const row = at(world.candidates(kind, false), b);
    if (row) {
      await removeAs(m, row, c);
      const { parent } = row.refs;
      const refs =
        kind === 'cover' || parent === null || !world.doomed(m).has(parent!) ? { ...row.refs } : { parent: null };
      await createRow(world, m, kind, refs, row.slug, c);
      await settleCovers(world, m);
    }
  },
};

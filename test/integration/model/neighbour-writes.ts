import { at, cascading, change, collides, createRow, freeSlug, reachesChanges } from './changes.js';
import { ALL_KINDS, KINDS, PLAIN_PARENTS, SOFT_KINDS, STATES } from './kinds.js';
import type { Manager } from './manager.js';
import { lives } from './neighbours.js';
import type { Row } from './row.js';
import type { Step } from './step.js';
import { TYPED, TYPED_PROPERTIES } from './typed.js';
import type { World } from './world.js';

type Write = (world: World, m: Manager, step: Step) => Promise<void>;

const TYPED_KINDS = ALL_KINDS.filter((kind) => KINDS[kind].typed);

/** Changes that only an application with neighbours makes. */
export const NEIGHBOUR_WRITES: Partial<Record<Step['op'], Write>> = {
  async retype(world, m, { a, b, c }) {
    const row = at(world.candidates(at(TYPED_KINDS, a), c % 4 === 0, m), b);
    const property = at(TYPED_PROPERTIES, c)!;
    if (!lives('types') || !row || (await collides(world, m, [row.handle]))) {
      return;
    }
    const entity = await m.load(row);
    // Where nothing is `undefined` in memory, setting `null` is a change to the ORM.
    const n = c % 11 === 0 && entity[property] != null && !m.readsUndefined ? null : world.nextHandle();
    if (c % 2 === 0 && n !== null && property === 'data' && entity.data) {
      // Changed where it stands: the ORM compares.
      Object.assign(entity.data, TYPED[property]!.make(n));
    } else {
      entity[property] = n === null ? null : TYPED[property]!.make(n);
    }
    change(m, row, property, n);
    if (b % 3 === 0 && !m.pending.creates.has(row.handle) && !(await reachesChanges(world, m, [row.handle]))) {
      // What was changed and not saved goes with the removal.
      m.em.remove(entity);
      m.pending.removes.add(row.handle);
    }
  },

  /** Moves an entry from one relation of its document to another. */
  async restate(world, m, { b, c }) {
    const row = lives('filtered-relations') ? at(world.candidates('entry', c % 4 === 0, m), b) : undefined;
    if (!row || (await collides(world, m, [row.handle, row.refs['doc']]))) {
      return;
    }
    const state = at(STATES, c)!;
    (await m.load(row)).state = state;
    KINDS.entry.refs['doc']!.inverses.forEach(({ name }) => m.collections.delete(`${row.refs['doc']}.${name}`));
    change(m, row, 'state', state);
  },

  /** Removes a row that is not soft-deletable, by itself or as an orphan, and with it in the database what belongs to it. */
  async removePlain(world, m, { a, b, c }) {
    if (!lives('plain-parents')) {
      return;
    }
    await world.settle(m);
    for (const other of world.managers) {
      await world.settle(other);
    }
    const row = at(world.candidates(at(PLAIN_PARENTS, a), false), b);
    if (!row) {
      return;
    }
    let going: readonly Row[] = [row];
    if (row.kind === 'shelf' && c % 2 === 0) {
      const entity = await m.load(row, c % 4 === 0 ? ['boxes'] : []);
      going = world.model.every('box').filter(({ refs }) => refs['shelf'] === row.handle);
      going = c % 4 === 0 ? going.filter(({ tenant }) => tenant === row.tenant) : going;
      entity.boxes.removeAll();
    } else {
      m.em.remove(c % 4 === 1 ? m.reference(row) : await m.load(row));
    }
    going.forEach(({ handle }) => m.pending.removes.add(handle));
    // After a refusal memory is as the ORM leaves it: the entities are its own.
    m.replacedUnloaded = true;
    await world.flush(m);
    // What the database has taken along is in nobody's memory.
    world.managers.forEach((each) => each.clear());
  },

  /** Has a subscriber remove a row during the next flush. */
  async removeLate(world, m, { a, b, c }) {
    await world.refresh(m);
    const row = at(world.candidates(at(SOFT_KINDS, a), false), b);
    if (!lives('late-subscriber') || !row || (await reachesChanges(world, m, [row.handle]))) {
      return;
    }
    const entity = await m.load(row);
    m.late.set(entity, c % 2 === 0 ? 'beforeFlush' : 'onFlush');
    m.pending.removes.add(row.handle);
    await world.settle(m);
  },

  /** Creates a row behind one that the same flush removes, with or without its collections loaded. */
  async removeWithUnsaved(world, m, { a, b, c }) {
    await world.settle(m);
    await world.refresh(m);
    const refs = ALL_KINDS.filter((kind) => kind !== 'cover').flatMap((kind) =>
      Object.entries(KINDS[kind].refs).map(([property, spec]) => ({ kind, property, spec })),
    );
    const ref = at(
      refs.filter(({ spec }) => KINDS[spec.to].soft),
      a,
    )!;
    const row = lives('unsaved') ? at(world.candidates(ref.spec.to, false), b) : undefined;
    if (!row) {
      return;
    }
    const entity = await m.load(row, c % 2 === 0 ? cascading(row.kind) : []);
    const slug = ref.kind === 'folder' ? freeSlug(world, m, c) : undefined;
    await createRow(world, m, ref.kind, { [ref.property]: row.handle }, slug, c % 2 === 0 ? 1 : b);
    m.em.remove(entity);
    m.pending.removes.add(row.handle);
    await world.settle(m);
    m.collections.clear();
  },
};

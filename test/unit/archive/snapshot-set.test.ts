import type { MetadataStorage } from '@mikro-orm/core';
import { type Snapshot, SnapshotSet } from '../../../lib/archive/restoration/snapshot-set.js';

const snapshot = (part: string, key: string, unit = '2026-01-01'): Snapshot => ({ part, key, unit, links: null });

describe(SnapshotSet, () => {
  const none = [] as unknown as MetadataStorage;

  it('says which rows are new, once each', () => {
    const set = new SnapshotSet(none);
    expect(set.add([snapshot('Order', '1'), snapshot('Line', '1')])).toHaveLength(2);
    expect(set.add([snapshot('Order', '1'), snapshot('Order', '2')])).toEqual([snapshot('Order', '2')]);
    expect(set.parts()).toEqual(['Order', 'Line']);
  });

  it('takes the row that was deleted last, of those with one key that come together', () => {
    const set = new SnapshotSet(none);
    const latest = snapshot('Order', '1', '2026-03-03');
    expect(set.add([snapshot('Order', '1', '2026-02-02'), latest, snapshot('Order', '1', '2026-01-01')])).toEqual([
      latest,
    ]);
    expect(set.of('Order')).toEqual([latest]);
  });

  it('keeps the row that it has, though one with its key was deleted later', () => {
    const set = new SnapshotSet(none);
    const first = snapshot('Order', '1', '2026-01-01');
    set.add([first]);
    expect(set.add([snapshot('Order', '1', '2026-03-03')])).toEqual([]);
    expect(set.of('Order')).toEqual([first]);
  });

  it('knows no part any more of which all rows stay in the archive', () => {
    const set = new SnapshotSet(none);
    set.add([snapshot('Order', '1'), snapshot('Line', '1'), snapshot('Line', '2')]);
    set.leave('Order', '1');
    set.leave('Line', '1');
    set.leave('Other', '1');
    expect(set.parts()).toEqual(['Line']);
    expect(set.of('Line')).toEqual([snapshot('Line', '2')]);
    expect([set.has('Order', '1'), set.has('Line', '1'), set.has('Line', '2'), set.has('Other', '1')]).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it('counts rows of entities, and none of pivot tables, of classes below a root or of entities that are gone', () => {
    const order: object = { className: 'Order' };
    Object.assign(order, { root: order });
    const pivot: object = { className: 'Order_labels', pivotTable: true };
    Object.assign(pivot, { root: pivot });
    const heir = { className: 'Urgent', root: order };
    const set = new SnapshotSet([pivot, heir, order] as unknown as MetadataStorage);
    set.add([
      snapshot('Order', '1'),
      snapshot('Order', '2'),
      snapshot('Order_labels', '1'),
      snapshot('Urgent', '1'),
      snapshot('Gone', '1'),
    ]);
    expect(set.counts()).toEqual([['Order', 2]]);
    expect(set.metaOf('Urgent')).toBe(heir);
    expect(set.metaOf('Gone')).toBeUndefined();
    expect(set.of('Other')).toEqual([]);
  });

  it('names the rows of a part by their keys and units', () => {
    const set = new SnapshotSet(none);
    set.add([snapshot('Order', '1'), snapshot('Order', 'a"b', '2026-02-02'), snapshot('Line', '3')]);
    const keys = '{1,"a\\"b"}';
    expect(set.condition('Order').params).toEqual(['Order', keys, keys, '{2026-01-01,2026-02-02}']);
  });
});

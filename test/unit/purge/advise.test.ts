import { adviseServer, adviseTable } from '../../../lib/purge/plan/advise.js';

const column = { name: '"deleted_at"', type: 'timestamptz' };
const part = { name: 'visit', rows: 5_000_000, isVacuumed: true, vacuumShare: 0.2, analyzeShare: 0.1 };
const facts = { id: '1', parts: [part], partitions: 0, partitionedBy: null };

describe(adviseTable.name, () => {
  it('has a large table vacuumed sooner', () => {
    expect(adviseTable(facts, 'visit', column)).toEqual([
      'alter table visit set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02); -- it is vacuumed once 1,000,000 rows are gone, and until then the planner expects purged rows',
    ]);
    expect(adviseTable({ ...facts, parts: [{ ...part, isVacuumed: false }] }, 'visit', column)).toEqual([
      expect.stringMatching(/^alter table visit set \(autovacuum_enabled = on, .* it is vacuumed never/),
    ]);
  });

  it('is content with a small table, and with one that is vacuumed and counted soon enough', () => {
    expect(adviseTable({ ...facts, parts: [] }, 'visit', column)).toEqual([]);
    const kept = { ...part, vacuumShare: 0.02, analyzeShare: 0.02 };
    expect(adviseTable({ ...facts, parts: [kept] }, 'visit', column)).toEqual([]);
    expect(adviseTable({ ...facts, parts: [{ ...kept, analyzeShare: 0.1 }] }, 'visit', column)).toHaveLength(1);
  });

  it('says nothing of a table that is vacuumed and counted just soon enough, unless nothing vacuums it at all', () => {
    const enough = { ...part, vacuumShare: 0.04, analyzeShare: 0.04 };
    expect(adviseTable({ ...facts, parts: [enough] }, 'visit', column)).toEqual([]);
    expect(adviseTable({ ...facts, parts: [{ ...enough, isVacuumed: false }] }, 'visit', column)).toHaveLength(1);
    expect(adviseTable({ ...facts, parts: [{ ...enough, vacuumShare: 0.041 }] }, 'visit', column)).toHaveLength(1);
  });

  it.each([
    [2, undefined],
    [3, undefined],
    [4, '-- the same for 1 more partition of visit'],
    [5, '-- the same for 2 more partitions of visit'],
  ])('spells out the settings of three partitions: of %i', (count, more) => {
    const parts = Array.from({ length: count }, (_, n) => ({ ...part, name: `visit_${n}` }));
    const advice = adviseTable({ ...facts, parts }, 'visit', undefined);
    expect(advice).toHaveLength(Math.min(count, 3) + (more ? 1 : 0));
    expect(advice[3]).toBe(more);
  });

  it('takes its own advice for enough', () => {
    for (let rows = 1_500_000; rows < 1e10; rows *= 1.7) {
      const [advice] = adviseTable({ ...facts, parts: [{ ...part, rows }] }, 'visit', column);
      const share = Number(/vacuum_scale_factor = ([^,]+),/.exec(advice!)![1]);
      const taken = { ...part, rows, vacuumShare: share, analyzeShare: share };
      expect(adviseTable({ ...facts, parts: [taken] }, 'visit', column)).toEqual([]);
    }
  });

  it('speaks of many partitions, and of those that are told apart by the time of deletion', () => {
    const many = { ...facts, parts: [1, 2, 3, 4, 5].map((n) => ({ ...part, name: `visit_${n}` })), partitions: 300 };
    expect(adviseTable({ ...many, partitionedBy: 'RANGE (deleted_at)' }, 'visit', column)).toEqual([
      expect.stringContaining('alter table visit_1 set'),
      expect.stringContaining('alter table visit_2 set'),
      expect.stringContaining('alter table visit_3 set'),
      '-- the same for 2 more partitions of visit',
      expect.stringMatching(/^-- visit has 300 partitions/),
      expect.stringMatching(/^-- visit is partitioned by the time of deletion/),
    ]);
    expect(adviseTable({ ...facts, parts: [], partitions: 256, partitionedBy: 'HASH (id)' }, 'visit', column)).toEqual(
      [],
    );
  });
});

describe(adviseServer.name, () => {
  it('advises to vacuum and to compress, where the server does neither', () => {
    expect(adviseServer({ isVacuuming: true, writesWholePages: false, compression: 'lz4' })).toEqual([]);
    expect(adviseServer({ isVacuuming: false, writesWholePages: true, compression: 'lz4' })).toEqual([
      expect.stringMatching(/^alter system set autovacuum = on;/),
      expect.stringMatching(/^alter system set wal_compression = lz4;/),
    ]);
  });
});

import type { PurgeReport } from 'nestjs-mikro-orm-soft-delete';
import { describePurgeReport } from '../../../lib/schedule/describe-purge-report.js';

describe(describePurgeReport.name, () => {
  const startedAt = new Date('2030-01-01T03:00:00.000Z');
  const entity = {
    table: 't',
    cutoff: startedAt,
    purged: 0,
    blocked: 0,
    failed: 0,
    locked: 0,
    held: 0,
    batches: 1,
    durationMs: 1,
    blockedBy: [],
    failures: [],
  };
  const report: PurgeReport = {
    startedAt,
    finishedAt: new Date('2030-01-01T03:00:01.500Z'),
    dryRun: false,
    outcome: 'completed',
    isFinished: true,
    total: 0,
    entities: [],
  };

  it('says what a run removed and what it left', () => {
    const entities = [
      { ...entity, entity: 'Review', purged: 7, locked: 2 },
      { ...entity, entity: 'Order' },
      { ...entity, entity: 'Customer', table: 'tenant_a.customer', purged: 1, blocked: 4, failed: 1 },
      { ...entity, entity: 'Customer', table: 'tenant_b.customer', purged: 2 },
    ];
    expect(describePurgeReport({ ...report, total: 10, entities })).toBe(
      'Purge completed after 1500 ms: 10 rows removed (Review 7, Customer 3), 4 blocked, 1 failed, 2 locked.',
    );
  });

  it('says why a run ended early', () => {
    expect(describePurgeReport({ ...report, outcome: 'time-budget' })).toBe(
      'Purge ended by its time budget after 1500 ms: 0 rows removed, 0 blocked, 0 failed, 0 locked.',
    );
    expect(describePurgeReport({ ...report, outcome: 'aborted' })).toMatch(/^Purge aborted after/);
    expect(describePurgeReport({ ...report, outcome: 'row-limit' })).toMatch(/^Purge ended by maxRows after/);
    expect(describePurgeReport({ ...report, outcome: 'throttled' })).toMatch(/^Purge ended by its throttle after/);
    expect(describePurgeReport({ ...report, outcome: 'braked' })).toMatch(/^Purge braked after/);
  });
});

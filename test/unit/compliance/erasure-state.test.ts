import { MikroORM } from '@mikro-orm/postgresql';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { stateOf, statusOf } from '../../../lib/compliance/erasure/erasure-state.js';

describe('the state of erasures', () => {
  const { em } = new MikroORM({ dbName: 'none', entities: complianceEntities() });
  const at = (day: number) => new Date(Date.UTC(2026, 0, day));
  const erasure = (dueDay: number, more: object = {}) =>
    ({
      id: String(dueDay),
      entity: 'Gone',
      key: ['7'],
      requestedAt: at(1),
      dueAt: at(dueDay),
      outcome: null,
      withdrawnAt: null,
      finishedAt: null,
      isOverdue: false,
      cells: [],
      certificate: { entities: [], residue: 0 },
      ...more,
    }) as never;
  const status = (...stored: never[]) => statusOf([[em as never, stored]]);
  const cell = { entity: 'Gone', column: 'name' };

  it('is open unless it is completed or withdrawn', () => {
    expect(
      status(
        erasure(1, { withdrawnAt: at(1) }),
        erasure(2, { outcome: 'completed', finishedAt: at(2) }),
        erasure(5, { outcome: 'partial' }),
        erasure(4),
        erasure(6),
      ),
    ).toMatchObject({ open: 3, partial: 1, overdue: 0, owed: 0, nextDueAt: at(4) });
  });

  it('is neither partial nor overdue once it is withdrawn', () => {
    const withdrawn = erasure(1, { outcome: 'partial', withdrawnAt: at(1), isOverdue: true, cells: [cell] });
    const counts = status(withdrawn);
    expect(counts).toMatchObject({ open: 0, partial: 0, overdue: 0 });
    expect(counts).not.toHaveProperty('nextDueAt');
    expect(counts.erasures).toMatchObject([{ state: 'withdrawn', isOverdue: false }]);
  });

  it('is overdue past its date, unless it is completed or only waits', () => {
    const late = (more: object) => status(erasure(1, { isOverdue: true, ...more })).overdue;
    expect(late({})).toBe(1);
    expect(late({ outcome: 'partial', cells: [cell] })).toBe(1);
    expect(late({ outcome: 'partial' })).toBe(0);
    expect(late({ outcome: 'completed', cells: [cell] })).toBe(0);
    expect(status(erasure(1)).overdue).toBe(0);
  });

  it('counts completed ones that the ledger has not received', () => {
    const completed = { outcome: 'completed', finishedAt: at(2) };
    expect(
      status(erasure(1, { ...completed, ledger: 'owed' }), erasure(2, { ...completed, ledger: 'told' })).owed,
    ).toBe(1);
  });

  it('shows when it was finished only if it is complete', () => {
    const show = (more: object) => stateOf(em as never, erasure(1, more));
    expect(show({ outcome: 'completed', finishedAt: at(2) })).toMatchObject({ state: 'completed', finishedAt: at(2) });
    expect(show({ outcome: 'partial', finishedAt: at(2) })).not.toHaveProperty('finishedAt');
    expect(show({})).toEqual({
      id: '1',
      subject: { entity: 'Gone', key: '7' },
      state: 'requested',
      requestedAt: at(1),
      dueAt: at(1),
      isOverdue: false,
    });
  });
});

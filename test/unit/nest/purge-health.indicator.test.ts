import { PurgeHealthIndicator, type PurgeLagOptions, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';

describe(PurgeHealthIndicator.name, () => {
  const HOUR = 60 * 60 * 1_000;
  const asked: PurgeLagOptions[] = [];
  const indicator = (
    overdue: Record<string, readonly [any: number, unblocked: number, due: number, blocked: number]>,
  ) =>
    new PurgeHealthIndicator({
      lag: async (options?: PurgeLagOptions) => {
        asked.push(options ?? {});
        return {
          at: new Date(),
          entities: Object.entries(overdue).map(([entity, [any, unblocked, due, blocked]]) => ({
            entity,
            table: entity.toLowerCase(),
            cutoff: new Date(),
            oldestDue: undefined,
            ...(options?.unblocked ? { overdueBy: unblocked, due, blocked } : { overdueBy: any }),
          })),
        };
      },
    });
  beforeEach(() => (asked.length = 0));

  it('is up and asks once while no row has been due for longer than a day', async () => {
    await expect(indicator({ A: [24 * HOUR, 0, 0, 0], B: [5, 0, 0, 0] }).isHealthy()).resolves.toEqual({
      purge: { status: 'up', overdueBy: 24 * HOUR },
    });
    expect(asked).toEqual([{}]);
    await expect(indicator({}).isHealthy('other')).resolves.toEqual({ other: { status: 'up', overdueBy: 0 } });
  });

  it('leaves blocked rows out where one has been, and names the entities that are late', async () => {
    const late = {
      A: [25 * HOUR, HOUR, 3, 2],
      B: [26 * HOUR, 26 * HOUR, 4, 1],
      C: [30 * HOUR, 25 * HOUR, 1, 0],
    } as const;
    await expect(indicator(late).isHealthy('key')).resolves.toEqual({
      key: { status: 'down', message: 'The purge is behind for B, C.', overdueBy: 26 * HOUR, due: 8, blocked: 3 },
    });
    expect(asked).toEqual([{}, { unblocked: true }]);
    await expect(indicator({ A: late.A }).isHealthy('key')).resolves.toEqual({
      key: { status: 'up', overdueBy: HOUR, due: 3, blocked: 2 },
    });
  });

  it('takes another time, and refuses what is none', async () => {
    await expect(indicator({ A: [2 * HOUR, 2 * HOUR, 1, 0] }).isHealthy('purge', { sla: '1h' })).resolves.toMatchObject(
      {
        purge: { status: 'down' },
      },
    );
    await expect(indicator({}).isHealthy('purge', { sla: 'soon' as never })).rejects.toThrow(SoftDeleteConfigError);
    await expect(indicator({}).isHealthy('purge', { limit: '1h' } as never)).rejects.toThrow(/sla/);
  });
});

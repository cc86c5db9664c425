import { type EventArgs, type EventManager, EventType, type FlushEventArgs } from '@mikro-orm/core';

/** Who plans flushes, and is told of each step of one. @internal */
export interface FlushAttendant {
  /** @returns whether the event manager was not attended before */
  attend(events: EventManager): boolean;
  planRemovals(args: FlushEventArgs): Promise<void>;
  turnRemovals(args: FlushEventArgs): void;
  completePlan(args: FlushEventArgs): Promise<void>;
  /** @returns nothing where there is nothing to wait for: a flush may have thousands of updates */
  prepareUpdate(args: EventArgs<any>): Promise<void> | undefined;
  completeUpdate(args: EventArgs<any>): void;
}

/**
 * Has a flush planned once every other listener of `beforeFlush` was called, and looked through again after those of `onFlush`: a
 * listener may remove entities in either, whenever it was registered. What was removed before is an update by the time that others
 * look at the change sets, and carries the time of its unit by the time that they look at the update. The ORM calls listeners in the order of their registration and knows no other.
 *
 * @internal
 */
export function attendFlushes(events: EventManager, attendant: FlushAttendant): void {
  if (!attendant.attend(events)) {
    return;
  }
  const dispatch = events.dispatchEvent.bind(events) as (event: EventType, args: unknown, meta?: unknown) => unknown;
  const around = async (event: EventType, args: FlushEventArgs): Promise<void> => {
    if (event === EventType.onFlush) {
      attendant.turnRemovals(args);
    }
    await dispatch(event, args);
    await (event === EventType.onFlush ? attendant.completePlan(args) : attendant.planRemovals(args));
  };
  const aroundUpdate = async (args: EventArgs<any>, meta: unknown): Promise<void> => {
    const prepared = attendant.prepareUpdate(args);
    if (prepared) {
      await prepared;
    }
    await dispatch(EventType.beforeUpdate, args, meta);
    attendant.completeUpdate(args);
  };
  events.dispatchEvent = ((event: EventType, args: unknown, meta?: unknown) => {
    if (event === EventType.beforeUpdate) {
      return aroundUpdate(args as EventArgs<any>, meta);
    }
    return event === EventType.beforeFlush || event === EventType.onFlush
      ? around(event, args as FlushEventArgs)
      : dispatch(event, args, meta);
  }) as typeof events.dispatchEvent;
}

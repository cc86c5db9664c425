import { type EventArgs, type EventManager, EventType, type FlushEventArgs } from '@mikro-orm/core';
import type { SoftDeleteSubscriber } from './soft-delete.subscriber.js';

/**
 * Has a flush planned once every other listener of `beforeFlush` was called, and looked through again after those of `onFlush`: a
 * listener may remove entities in either, whenever it was registered. What was removed before is an update by the time that others
 * look at the change sets, and carries the time of its unit by the time that they look at the update. The ORM calls listeners in the order of their registration and knows no other.
 *
 * @internal
 */
export function attendFlushes(events: EventManager, subscriber: SoftDeleteSubscriber): void {
  if (!subscriber.attend(events)) {
    return;
  }
  const dispatch = events.dispatchEvent.bind(events) as (event: EventType, args: unknown, meta?: unknown) => unknown;
  const around = async (event: EventType, args: FlushEventArgs): Promise<void> => {
    if (event === EventType.onFlush) {
      subscriber.turnRemovals(args);
    }
    await dispatch(event, args);
    await (event === EventType.onFlush ? subscriber.completePlan(args) : subscriber.planRemovals(args));
  };
  const aroundUpdate = async (args: EventArgs<any>, meta: unknown): Promise<void> => {
    await subscriber.prepareUpdate(args);
    await dispatch(EventType.beforeUpdate, args, meta);
    subscriber.completeUpdate(args);
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

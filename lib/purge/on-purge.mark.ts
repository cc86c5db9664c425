import type { EntityClass } from '@mikro-orm/core';
import { MethodMark } from '../metadata/method-mark.js';
import type { OnPurgeOptions } from './purge-hook.js';

/** What `@OnPurge()` says about a method. @internal */
export interface PurgeMark {
  readonly entity: EntityClass<object>;
  readonly options: OnPurgeOptions;
}

/** @internal */
export const ON_PURGE = new MethodMark<PurgeMark>('on-purge');

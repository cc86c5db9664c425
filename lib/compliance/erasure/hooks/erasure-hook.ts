import type { EntityClass } from '@mikro-orm/core';
import type { DeletionHandler, DeletionHookOptions } from '../../../deletion/hooks/deletion-hook.js';
import { MethodMark } from '../../../metadata/method-mark.js';

/** What is called before rows of an entity are erased. @internal */
export interface ErasureHook {
  readonly entity: EntityClass<object>;
  readonly handler: DeletionHandler;
  readonly fields: readonly string[];
}

/** What `@OnErase()` says about a method. @internal */
export interface ErasureMark {
  readonly entity: EntityClass<object>;
  readonly options: DeletionHookOptions;
}

/** @internal */
export const ON_ERASE = new MethodMark<ErasureMark>('on-erase');

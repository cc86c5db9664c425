import { DefinitionTarget } from './definition-target.js';

/**
 * A decorator for classes and properties, of TypeScript (`experimentalDecorators`) and of ECMAScript alike.
 *
 * @publicApi
 */
export type SchemaDecorator = (target: object | undefined, property?: unknown) => void;

/**
 * Finds out which kind of decorator was applied to what.
 *
 * @internal
 */
export function decorate(apply: (target: DefinitionTarget, property?: string) => void): SchemaDecorator {
  return (target, property) => {
    const second = property as string | symbol | ClassDecoratorContext | ClassMemberDecoratorContext | undefined;
    if (typeof second === 'object') {
      if (second.kind === 'class') {
        apply(DefinitionTarget.ofClass(target as Function, second));
      } else {
        apply(DefinitionTarget.ofField(second), String(second.name));
      }
    } else if (typeof target === 'function') {
      apply(DefinitionTarget.ofClass(target));
    } else {
      apply(DefinitionTarget.ofClass(target!.constructor), String(second));
    }
  };
}

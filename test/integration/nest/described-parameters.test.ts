import { jest } from '@jest/globals';
import { Controller, Delete, Get, HttpCode, type INestApplication, Param, ParseIntPipe, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiDefaultResponse,
  ApiHeader,
  ApiOkResponse,
  ApiQuery,
  DocumentBuilder,
  SwaggerModule,
} from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import {
  DeletedScope,
  DeletionPreviewDto,
  DeletionResultDto,
  RestorePreviewDto,
  RestoreResultDto,
  SoftDeleteProblemDto,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import { DeletionReason } from 'nestjs-mikro-orm-soft-delete/compliance';

@Controller('routes')
class RoutesController {
  @Get('with')
  @WithDeleted({ query: 'withDeleted' })
  with(): void {}

  @Get('always')
  @WithDeleted()
  always(): void {}

  @Get('scope')
  scope(@DeletedScope('deleted') scope: DeletedScope): string {
    return scope;
  }

  @Get('above')
  @ApiQuery({ name: 'withDeleted', enum: ['true', 'false'], required: true, description: 'Mine.' })
  @WithDeleted({ query: 'withDeleted' })
  above(): void {}

  @WithDeleted({ query: 'withDeleted' })
  @ApiQuery({ name: 'withDeleted', enum: ['true', 'false'], required: true, description: 'Mine.' })
  @Get('below')
  below(): void {}

  @Get('scope-of-mine')
  @ApiQuery({ name: 'deleted', enum: ['active', 'only'], required: true, description: 'Mine.' })
  @ApiQuery({ name: 'page', type: Number })
  scopeOfMine(@DeletedScope('deleted') scope: DeletedScope): string {
    return scope;
  }

  @WithDeleted({ query: 'other' })
  plain(): void {}
}

@WithDeleted({ query: 'withDeleted' })
@Controller('class')
class ClassController {
  @Get('all')
  all(): void {}

  @Get('own')
  @WithDeleted({ query: 'deletedToo' })
  own(): void {}

  @Get('always')
  @WithDeleted()
  always(): void {}

  @ApiQuery({ name: 'withDeleted', type: String, description: 'Mine.' })
  @Get('mine')
  mine(): void {}

  noRoute(): void {}
}

/** Routes that several controllers inherit. */
abstract class ListController {
  @Get('list')
  list(@Query('page') page?: string): string {
    return `${this.constructor.name}, page ${page}`;
  }

  @Get('own')
  @WithDeleted({ query: 'ofTheRoute' })
  own(): void {}

  @ApiQuery({ name: 'withDeleted', type: String, description: 'Mine.' })
  @Get('mine')
  mine(): void {}

  noRoute(): void {}
}

abstract class PagesController {
  @Get(':page')
  @HttpCode(202)
  page(@Param('page', ParseIntPipe) page: number, @Query('size') size: string): string {
    return `${this.constructor.name} ${page}/${size}`;
  }
}

@WithDeleted({ query: 'withDeleted' })
@Controller('inheriting')
class InheritingController extends ListController {}

@Controller('inheriting-plain')
class InheritingPlainController extends ListController {}

@WithDeleted({ query: 'withDeleted' })
abstract class DecoratedController {
  @Get('list')
  list(): void {}
}

@Controller('below-decorated')
class BelowDecoratedController extends DecoratedController {
  @Get('added')
  added(): void {}
}

@Controller('overriding')
class OverridingController extends DecoratedController {
  @Get('list')
  override list(): void {}
}

@WithDeleted({ query: 'deletedToo' })
@Controller('renaming')
class RenamingController extends DecoratedController {}

@WithDeleted()
@Controller('always')
class AlwaysController extends DecoratedController {}

@WithDeleted({ query: 'third' })
@Controller('third')
class ThirdController extends RenamingController {}

@DeletionReason({ header: 'x-reason' })
@Controller('reason')
class ReasonController extends ListController {
  @Delete('described')
  @ApiHeader({ name: 'x-reason', description: 'Mine.' })
  described(): void {}

  @Get('other')
  @DeletionReason()
  other(): void {}
}

@ApiHeader({ name: 'x-reason', description: 'Mine.' })
@DeletionReason({ header: 'x-reason' })
@Controller('reason-of-mine')
class ReasonOfMineController {
  @Get('all')
  all(): void {}
}

@Controller('inherited-scope')
class InheritedScopeController extends RoutesController {
  @Get('by/:id')
  by(@Param('id') id: string): string {
    return id;
  }
}

@Controller('results')
class ResultsController {
  @Delete('deletion')
  @ApiOkResponse({ type: DeletionResultDto })
  @ApiAcceptedResponse({ type: DeletionPreviewDto })
  @ApiCreatedResponse({ type: RestoreResultDto })
  @ApiDefaultResponse({ type: RestorePreviewDto })
  @ApiConflictResponse({ type: SoftDeleteProblemDto })
  deletion(): void {}
}

const controllers = [
  RoutesController,
  ClassController,
  InheritingController,
  InheritingPlainController,
  BelowDecoratedController,
  OverridingController,
  RenamingController,
  AlwaysController,
  ThirdController,
  ReasonController,
  ReasonOfMineController,
  InheritedScopeController,
  ResultsController,
];

describe('a document of @nestjs/swagger', () => {
  let app: INestApplication;
  let parameters: (path: string) => any[];
  let schemas: Record<string, any>;

  beforeAll(async () => {
    const module = await Test.createTestingModule({ controllers })
      .useMocker(() => ({}))
      .compile();
    app = module.createNestApplication();
    const { paths, components } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    schemas = components!.schemas!;
    parameters = (path) => {
      const item = paths[`/${path}`]!;
      return (item.get ?? item.delete)!.parameters!;
    };
  });
  afterAll(() => app.close());

  /** The properties of a schema, the optional ones with a question mark. */
  const propertiesOf = (name: string) => {
    const { type, properties, required } = schemas[name];
    expect(type).toBe('object');
    return Object.fromEntries(
      Object.entries(properties).map(([property, described]) => [
        required.includes(property) ? property : `${property}?`,
        described,
      ]),
    );
  };
  const counted = (description: string) => ({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description,
    example: { User: 1, Post: 12 },
  });
  const total = { type: 'integer', description: 'How many rows in all.', example: 13 };
  const listOf = (name: string, description: string) => ({
    type: 'array',
    items: { $ref: `#/components/schemas/${name}` },
    description,
  });
  const text = (description: string, example?: string) => ({
    type: 'string',
    description,
    ...(example ? { example } : {}),
  });

  it('describes the results of operations and of their previews', () => {
    expect(propertiesOf('DeletionResultDto')).toEqual({
      deletedAt: {
        type: 'string',
        format: 'date-time',
        description: 'The time of deletion, which all rows of this deletion share.',
      },
      affected: counted('How many rows were deleted, per entity.'),
      total,
    });
    expect(propertiesOf('DeletionPreviewDto')).toEqual({
      affected: counted('How many rows would be deleted, per entity, as if nothing refused it.'),
      total,
      restrictions: listOf('DeletionRestrictionDto', 'What the deletion would be refused for.'),
    });
    expect(propertiesOf('RestoreResultDto')).toEqual({
      affected: counted('How many rows came back, per entity.'),
      total,
    });
    expect(propertiesOf('RestorePreviewDto')).toEqual({
      affected: counted('How many rows would come back, per entity, as if there were no conflicts.'),
      total,
      conflicts: listOf('RestoreConflictDto', 'Why it would be refused.'),
    });
  });

  it('describes problems, and what they list', () => {
    const key = { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'array', items: {} }] };
    expect(propertiesOf('SoftDeleteProblemDto')).toEqual({
      title: text('The status in words.', 'Conflict'),
      status: { type: 'integer', description: 'The status.', example: 409 },
      code: {
        ...text('What kind of problem it is.'),
        enum: ['RESTORE_CONFLICT', 'DELETION_RESTRICTED', 'LEGAL_HOLD', 'REASON_REQUIRED', 'NOT_FOUND'],
      },
      detail: text('What happened and what to do about it.'),
      'conflicts?': listOf('RestoreConflictDto', 'Of `RESTORE_CONFLICT`: why each row cannot come back.'),
      'restrictions?': listOf('DeletionRestrictionDto', 'Of `DELETION_RESTRICTED`: which rows prevent the deletion.'),
    });
    expect(propertiesOf('DeletionRestrictionDto')).toEqual({
      relation: text('The relation that refuses, as `Entity.property`.', 'User.invoices'),
      entity: text('The entity at the other end of the relation.', 'Invoice'),
      count: { type: 'integer', description: 'How many of its rows prevent the deletion.', example: 2 },
    });
    expect(propertiesOf('RestoreConflictDto')).toEqual({
      reason: {
        ...text(expect.stringMatching(/`unique`.*`parent-deleted`.*`key`.*`parent-missing`.*`schema`/) as never),
        enum: ['unique', 'key', 'parent-deleted', 'parent-missing', 'schema'],
      },
      entity: text('The entity of the row that was to be restored.', 'User'),
      'key?': { ...key, description: 'Its primary key, where it is known.', example: 1 },
      'constraint?': text('The unique constraint, or the relation to the deleted parent.', 'user_email_unique'),
      'properties?': {
        type: 'array',
        items: { type: 'string' },
        description: 'The properties whose values are taken.',
        example: ['email'],
      },
      'conflictingKey?': {
        ...key,
        description: 'The primary key of the row that has the value, or of the deleted parent.',
        example: 2,
      },
      'conflictingWith?': {
        ...text('Whether that row is active, or would be restored together with this one.'),
        enum: ['active', 'restored'],
      },
      'column?': text('Of `schema`: the column that has changed; `*` where the table is gone.'),
    });
  });

  const flag = (name: string) => ({
    name,
    in: 'query',
    required: false,
    description: 'Whether deleted rows are shown too.',
    schema: { type: 'boolean' },
  });

  it('describes the parameter of a route', () => {
    expect(parameters('routes/with')).toEqual([flag('withDeleted')]);
    expect(parameters('routes/scope')).toEqual([
      {
        name: 'deleted',
        in: 'query',
        required: false,
        description: expect.stringContaining('Which rows'),
        schema: { type: 'string', enum: ['active', 'with', 'only'], default: 'active' },
      },
    ]);
  });

  it('describes none where the request has no say', () => {
    expect(parameters('routes/always')).toEqual([]);
  });

  it('describes it for every route of a controller, but as the route has it', () => {
    expect(parameters('class/all')).toEqual([flag('withDeleted')]);
    expect(parameters('class/own')).toEqual([flag('deletedToo')]);
    expect(parameters('class/always')).toEqual([]);
  });

  it.each(['routes/above', 'routes/below', 'routes/scope-of-mine', 'class/mine'])(
    "leaves the application's description as it is: %s",
    (path) => {
      const described = parameters(path).filter(({ name }) => name !== 'page');
      expect(described).toMatchObject([{ in: 'query', required: true, description: 'Mine.' }]);
    },
  );

  it('says nothing of methods that are no routes', () => {
    for (const method of [RoutesController.prototype.plain, ClassController.prototype.noRoute]) {
      expect(Reflect.getMetadata('swagger/apiParameters', method)).toBeUndefined();
    }
  });

  describe('of routes that a controller inherits', () => {
    const names = (path: string) => parameters(path).map(({ name }) => name);

    it("describes the parameter of the controller's decorator, and says so of no other controller", () => {
      expect(parameters('inheriting/list').filter(({ name }) => name !== 'page')).toEqual([flag('withDeleted')]);
      expect(names('inheriting/list')).toHaveLength(2);
      expect(names('inheriting-plain/list')).toEqual(['page']);
      expect(Reflect.getMetadata('swagger/apiParameters', ListController.prototype.list)).toBeUndefined();
    });

    it('leaves to a route what it says by itself', () => {
      expect(names('inheriting/own')).toEqual(['ofTheRoute']);
      expect(names('inheriting-plain/own')).toEqual(['ofTheRoute']);
      expect(parameters('inheriting/mine')).toMatchObject([{ name: 'withDeleted', description: 'Mine.' }]);
      expect(Object.hasOwn(InheritingController.prototype, 'noRoute')).toBe(false);
    });

    it('describes the parameter of a decorator that the controller inherits, on routes of its own too', () => {
      expect(parameters('below-decorated/list')).toEqual([flag('withDeleted')]);
      expect(parameters('below-decorated/added')).toEqual([flag('withDeleted')]);
      expect(parameters('overriding/list')).toEqual([flag('withDeleted')]);
    });

    it('describes what the nearest decorator says', () => {
      expect(parameters('renaming/list')).toEqual([flag('deletedToo')]);
      expect(parameters('always/list')).toEqual([]);
      expect(parameters('third/list')).toEqual([flag('third')]);
    });

    it('describes the parameter of an inherited @DeletedScope()', () => {
      expect(names('inherited-scope/scope')).toEqual(['deleted']);
    });

    it('still calls the inherited method, with its arguments', () => {
      const controller = app.get(InheritingController);
      expect(controller.list('2')).toBe('InheritingController, page 2');
      expect(controller.list.name).toBe('list');
      jest.spyOn(ListController.prototype, 'list').mockReturnValueOnce('replaced');
      expect(controller.list('2')).toBe('replaced');
    });

    it('still answers a request, with what the base class says of the arguments', async () => {
      @DeletionReason()
      @Controller('served')
      class ServedController extends PagesController {}
      const module = await Test.createTestingModule({ controllers: [ServedController] }).compile();
      const served = module.createNestApplication();
      await served.listen(0, '127.0.0.1');
      const response = await fetch(`${await served.getUrl()}/served/2?size=20`);
      expect([response.status, await response.text()]).toEqual([202, 'ServedController 2/20']);
      expect(Object.hasOwn(ServedController.prototype, 'page')).toBe(true);
      await served.close();
    });
  });

  describe('of routes with @DeletionReason()', () => {
    const reason = (name: string) => ({
      name,
      in: 'header',
      required: false,
      description: expect.stringContaining('Why'),
      schema: { type: 'string' },
    });

    it('describes the header', () => {
      expect(parameters('reason/list').filter(({ name }) => name !== 'page')).toEqual([reason('x-reason')]);
      expect(parameters('reason/other')).toEqual([reason('x-deletion-reason')]);
    });

    it.each(['reason/described', 'reason-of-mine/all'])("leaves the application's description as it is: %s", (path) => {
      expect(parameters(path)).toMatchObject([{ name: 'x-reason', in: 'header', description: 'Mine.' }]);
    });
  });
});

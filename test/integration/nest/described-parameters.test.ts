import { Controller, Get, type INestApplication } from '@nestjs/common';
import { ApiQuery, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import { DeletedScope, WithDeleted } from 'nestjs-mikro-orm-soft-delete';

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

describe('a document of @nestjs/swagger', () => {
  let app: INestApplication;
  let parameters: (path: string) => any[];

  beforeAll(async () => {
    const module = await Test.createTestingModule({ controllers: [RoutesController, ClassController] })
      .useMocker(() => ({}))
      .compile();
    app = module.createNestApplication();
    const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    parameters = (path) => paths[`/${path}`]!.get!.parameters!;
  });
  afterAll(() => app.close());

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
});

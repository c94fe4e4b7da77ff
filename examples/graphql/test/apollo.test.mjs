import { ApolloTasks } from '../src/apollo.mjs';
import { story } from './story.mjs';

story('Apollo Client', ApolloTasks);

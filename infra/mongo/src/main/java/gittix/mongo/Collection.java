package gittix.mongo;

import java.util.Comparator;
import java.util.stream.Stream;

import org.h2.mvstore.MVMap;

import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.h2.H2Collection;
import de.bwaldvogel.mongo.bson.Document;

/**
 * An H2 collection that finds by an index when the query holds more than the index's key, and whose stored documents
 * never change once stored.
 */
final class Collection extends H2Collection {

    Collection(MongoDatabase database, String name, CollectionOptions options,
               MVMap<Object, Document> documents, MVMap<String, Object> meta, CursorRegistry cursors) {
        super(database, name, options, documents, meta, cursors);
    }

    /** The library takes an index only for a query of exactly its keys; {@code {_id, version}} read every document. */
    @Override
    protected QueryResult queryDocuments(Document query, Document orderBy, int skip, int limit, int batchSize, Document fields) {
        for (Index<Object> index : getIndexes()) {
            Document part = keyPart(index, query);
            if (part != null && index.canHandle(part)) {
                return matchDocuments(query, index.getPositions(part), orderBy, skip, limit, batchSize, fields);
            }
        }
        return super.queryDocuments(query, orderBy, skip, limit, batchSize, fields);
    }

    private static Document keyPart(Index<?> index, Document query) {
        Document part = new Document();
        for (IndexKey key : index.getKeys()) {
            if (!query.containsKey(key.getKey())) {
                return index instanceof SecondaryIndex && !part.isEmpty() ? part : null;
            }
            part.put(key.getKey(), query.get(key.getKey()));
        }
        return part;
    }

    /**
     * The library updates the document that it found in place, while the flusher or another reader may be writing it out:
     * hand out copies, so that a stored document is only ever replaced.
     */
    @Override
    protected QueryResult matchDocumentsFromStream(Document query, Stream<Document> documents, int skip, int limit, int batchSize,
                                                   Comparator<Document> order, Document fields) {
        Stream<Document> copies = documents.filter(document -> documentMatchesQuery(document, query)).map(Document::clone);
        return super.matchDocumentsFromStream(new Document(), copies, skip, limit, batchSize, order, fields);
    }

    /** Only {@code collStats} reads the sizes; counting encodes each document again on every write. */
    @Override
    protected boolean tracksDataSize() {
        return false;
    }
}

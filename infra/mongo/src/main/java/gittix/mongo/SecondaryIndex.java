package gittix.mongo;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.KeyValue;
import de.bwaldvogel.mongo.backend.Missing;
import de.bwaldvogel.mongo.backend.ValueComparator;
import de.bwaldvogel.mongo.bson.BsonRegularExpression;
import de.bwaldvogel.mongo.bson.Document;

/**
 * A sorted, non-unique index in memory over the first field of its key; the library ignores such indexes.
 *
 * <p>It answers equality, {@code $in} and ranges with positions that may match: the collection filters them by the whole query.
 */
final class SecondaryIndex extends Index<Object> {

    private static final Set<String> RANGES = Set.of("$gt", "$gte", "$lt", "$lte");

    private final NavigableMap<Object, Set<Object>> positions = new TreeMap<>(ValueComparator.ascWithoutListHandling());
    private final boolean skipsMissing;

    SecondaryIndex(String name, List<IndexKey> keys, boolean sparse) {
        super(name, keys, true); // to the library: not every document has a position here
        this.skipsMissing = sparse;
    }

    private String field() {
        return keys().get(0);
    }

    private Collection<Object> values(Document document) {
        Set<Object> values = new LinkedHashSet<>();
        for (KeyValue key : getKeyValues(document)) {
            Object value = key.get(0);
            if (!skipsMissing || Missing.isNeitherNullNorMissing(value)) {
                values.add(value);
            }
        }
        return values;
    }

    @Override
    public void add(Document document, Object position, MongoCollection<Object> collection) {
        for (Object value : values(document)) {
            positions.computeIfAbsent(value, key -> new LinkedHashSet<>()).add(position);
        }
    }

    private void remove(Document document, Object position) {
        for (Object value : values(document)) {
            positions.computeIfPresent(value, (key, held) -> {
                held.remove(position);
                return held.isEmpty() ? null : held;
            });
        }
    }

    @Override
    public Object remove(Document document) {
        remove(document, document.get("_id"));
        return null;
    }

    @Override
    public void updateInPlace(Document oldDocument, Document newDocument, Object position, MongoCollection<Object> collection) {
        if (!nullAwareEqualsKeys(oldDocument, newDocument)) {
            remove(oldDocument, position);
            add(newDocument, position, collection);
        }
    }

    @Override
    public boolean canHandle(Document query) {
        Object wanted = query.get(field());
        if (wanted instanceof Document condition) {
            return condition.keySet().stream().anyMatch(RANGES::contains)
                || condition.containsKey("$eq") && isPlain(condition.get("$eq"))
                || condition.get("$in") instanceof Collection<?> list && list.stream().allMatch(SecondaryIndex::isPlain)
                || skipsMissing && Boolean.TRUE.equals(condition.get("$exists"));
        }
        return isPlain(wanted);
    }

    /** Nothing that would compare as more than one value, or as its absence. */
    private static boolean isPlain(Object value) {
        return Missing.isNeitherNullNorMissing(value) && !(value instanceof Document) && !(value instanceof Collection)
            && !(value instanceof BsonRegularExpression);
    }

    @Override
    public Iterable<Object> getPositions(Document query) {
        Object wanted = query.get(field());
        if (!(wanted instanceof Document condition)) {
            return of(List.of(wanted));
        }
        if (condition.containsKey("$eq")) {
            return of(List.of(condition.get("$eq")));
        }
        if (condition.get("$in") instanceof Collection<?> list) {
            return of(list);
        }
        return union(range(condition).values());
    }

    /** One bound only: in an array one element may meet the lower bound and another the upper. */
    private NavigableMap<Object, Set<Object>> range(Document condition) {
        for (String operator : condition.keySet()) {
            if (RANGES.contains(operator)) {
                Object bound = normalized(condition.get(operator));
                return operator.startsWith("$lt") ? positions.headMap(bound, true) : positions.tailMap(bound, true);
            }
        }
        return positions;
    }

    /** As the keys are held: 1, 1L and 1.0 are one value. */
    private static Object normalized(Object value) {
        return new KeyValue(value).normalized().get(0);
    }

    private Iterable<Object> of(Collection<?> values) {
        List<Set<Object>> found = new ArrayList<>();
        for (Object value : values) {
            found.add(positions.getOrDefault(normalized(value), Set.of()));
        }
        return union(found);
    }

    private static Iterable<Object> union(Collection<Set<Object>> found) {
        Set<Object> all = new LinkedHashSet<>();
        found.forEach(all::addAll);
        return all;
    }

    @Override
    public long getCount() {
        return positions.size();
    }

    @Override
    public long getDataSize() {
        return positions.size();
    }

    @Override
    public Object getPosition(Document document) {
        return null;
    }

    @Override
    public void checkAdd(Document document, MongoCollection<Object> collection) {
        // every document may enter
    }

    @Override
    public void checkUpdate(Document oldDocument, Document newDocument, MongoCollection<Object> collection) {
        // every change is allowed
    }

    @Override
    public void drop() {
        positions.clear();
    }
}
